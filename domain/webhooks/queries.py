"""Reads of webhooks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import RowMapping, or_, select

from ..access import Actor, Permission
from ..clock import rfc3339
from ..crypto import Keyring
from ..db import Row, Session
from ..errors import NotFound
from ..finding import find_row
from ..list_spec import ListSpec, Sortable
from .models import webhook_projects, webhook_secrets, webhooks

_FILTERS = ("id", "url", "description", "payload_version", "enabled", "created_at", "updated_at")
WEBHOOKS = ListSpec(
    webhooks.c.id,
    Sortable.from_columns({name: webhooks.c[name] for name in _FILTERS}),
    "url",
    shown=(
        *("id", "object", "url", "description", "event_types", "project_ids", "payload_version", "signature"),
        *("enabled", "status", "created_at", "updated_at", "version"),
    ),
    searched=(webhooks.c.url, webhooks.c.description),
)


def load_webhook(session: Session, actor: Actor, webhook_id: str, *, for_update: bool = False) -> Row:
    """The webhook's row.

    Raises:
        Forbidden: the actor may not manage webhooks.
        NotFound: no such webhook.
    """
    actor.require(Permission.MANAGE_WEBHOOKS)
    row = find_row(session, webhooks, "whk", webhook_id, for_update=for_update)
    if row is None:
        raise NotFound(f"There is no webhook {webhook_id[:40]!r}.")
    return row


def projects_of(session: Session, webhook_ids: Iterable[str]) -> dict[str, list[str]]:
    """The projects each webhook is limited to, in one statement; absent for those that hear of all."""
    chosen = select(webhook_projects).where(webhook_projects.c.webhook_id.in_(list(webhook_ids)))
    found: dict[str, list[str]] = {}
    for row in session.execute(chosen.order_by(webhook_projects.c.project_id)):
        found.setdefault(row.webhook_id, []).append(row.project_id)
    return found


def signing_secrets(
    session: Session, keyring: Keyring, webhook_ids: Iterable[str], now: datetime
) -> dict[str, list[str]]:
    """The secrets in force of each webhook, newest first, in one statement."""
    live = or_(webhook_secrets.c.expires_at.is_(None), webhook_secrets.c.expires_at > now)
    chosen = select(webhook_secrets).where(webhook_secrets.c.webhook_id.in_(list(webhook_ids)), live)
    found: dict[str, list[str]] = {}
    for row in session.execute(chosen.order_by(webhook_secrets.c.created_at.desc())):
        plain = keyring.decrypt(row.sealed, f"webhook_secrets/{row.id}").decode()
        found.setdefault(row.webhook_id, []).append(plain)
    return found


def request_headers(keyring: Keyring, row: Row) -> dict[str, str]:
    """The headers of its own that the webhook's requests carry, `Authorization` among them.

    Args:
        row: with the `id` and `sealed_headers` of a webhook.

    Raises:
        CannotDecrypt: see there.
    """
    if row["sealed_headers"] is None:
        return {}
    found: dict[str, str] = orjson.loads(keyring.decrypt(row["sealed_headers"], headers_sealed_for(row["id"])))
    return found


def headers_sealed_for(webhook_id: str) -> str:
    """What `sealed_headers` are bound to as they are encrypted."""
    return f"webhooks/{webhook_id}/headers"


def status_of(row: Row) -> str:
    """`healthy`, `failing` or `disabled`."""
    if not row["enabled"]:
        return "disabled"
    return "healthy" if row["failing_since"] is None else "failing"


def represent_webhook(row: Row, project_ids: list[str] | None) -> dict[str, Any]:
    """The webhook as the API shows it; never its secret. `project_ids` null means every project."""
    return {
        "id": row["id"],
        "object": "webhook",
        "url": row["url"],
        "description": row["description"],
        "event_types": row["event_types"],
        "project_ids": None if row["all_projects"] else project_ids or [],
        "payload_version": row["payload_version"],
        "signature": row["signature"],
        "enabled": row["enabled"],
        "status": status_of(row),
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "version": row["version"],
    }


def webhooks_in_trouble(session: Session, limit: int) -> list[RowMapping]:
    """Webhooks that are failing, or that Callsheet disabled; the latest change first."""
    trouble = or_(webhooks.c.disabled_reason.is_not(None), webhooks.c.enabled & webhooks.c.failing_since.is_not(None))
    chosen = select(webhooks).where(trouble).order_by(webhooks.c.updated_at.desc(), webhooks.c.id)
    return list(session.execute(chosen.limit(limit)).mappings())
