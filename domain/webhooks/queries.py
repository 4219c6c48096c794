"""Reads of webhooks."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, RowMapping, or_, select

from ..access import Actor, Permission
from ..clock import rfc3339
from ..crypto import Keyring
from ..db import Row, Session
from ..errors import NotFound
from ..finding import find_row
from ..ids import is_id
from ..list_spec import ListSpec, Sortable
from .models import webhook_projects, webhook_secrets, webhooks
from .signing import public_bytes

_FILTERS = ("id", "url", "description", "payload_version", "signature", "ordering", "enabled")
WEBHOOKS = ListSpec(
    webhooks.c.id,
    Sortable.from_columns({name: webhooks.c[name] for name in (*_FILTERS, "created_at", "updated_at")}),
    "url",
    shown=(
        *("id", "object", "url", "description", "event_types", "project_ids", "payload_version", "signature"),
        *("public_keys", "filter", "ordering", "timeout_seconds", "max_concurrency", "rate_per_minute", "header_names"),
        *("auth_type", "enabled", "status", "failing_since", "disabled_reason", "created_at", "updated_at", "version"),
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
    chosen = select(webhook_secrets).where(webhook_secrets.c.webhook_id.in_(list(webhook_ids)), in_force(now))
    found: dict[str, list[str]] = {}
    for row in session.execute(chosen.order_by(webhook_secrets.c.created_at.desc(), webhook_secrets.c.id.desc())):
        plain = keyring.decrypt(row.sealed, f"webhook_secrets/{row.id}").decode()
        found.setdefault(row.webhook_id, []).append(plain)
    return found


def in_force(now: datetime) -> ColumnElement[bool]:
    """That the row of `webhook_secrets` signs."""
    return or_(webhook_secrets.c.expires_at.is_(None), webhook_secrets.c.expires_at > now)


def public_keys_of(
    session: Session, webhook_ids: Iterable[str], now: datetime | None
) -> dict[str, list[dict[str, Any]]]:
    """The public keys in force of each webhook as the API shows them, newest first, in one statement; absent without.

    `now` None: those that have expired too, as long as they are kept.
    """
    table = webhook_secrets
    chosen = select(table.c.webhook_id, table.c.id, table.c.public_key, table.c.expires_at).where(
        table.c.webhook_id.in_(list(webhook_ids)), table.c.public_key.is_not(None)
    )
    if now is not None:
        chosen = chosen.where(in_force(now))
    found: dict[str, list[dict[str, Any]]] = {}
    for row in session.execute(chosen.order_by(table.c.created_at.desc(), table.c.id.desc())):
        until = None if row.expires_at is None else rfc3339(row.expires_at)
        shown = {"id": row.id, "key": row.public_key, "expires_at": until}
        found.setdefault(row.webhook_id, []).append(shown)
    return found


def signing_of(session: Session, webhook_id: str, now: datetime) -> list[RowMapping]:
    """What signs for the webhook, newest first: its kind, its public key, since when and until when. Never a secret."""
    table = webhook_secrets
    chosen = select(table.c.id, table.c.signature, table.c.public_key, table.c.created_at, table.c.expires_at)
    own = chosen.where(table.c.webhook_id == webhook_id, in_force(now))
    return list(session.execute(own.order_by(table.c.created_at.desc(), table.c.id.desc())).mappings())


def key_set(session: Session, webhook_id: str, now: datetime) -> list[dict[str, str]]:
    """The public keys in force of a webhook as JSON Web Keys (RFC 8037), newest first. Asks for no permission.

    Raises:
        NotFound: no such webhook, or it has no public key.
    """
    keys = public_keys_of(session, [webhook_id], now) if is_id(webhook_id, "whk") else {}
    if not keys:
        raise NotFound("There are no public keys under this address.")
    return [
        {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": key["id"], "x": _base64url(key["key"])}
        for key in keys[webhook_id]
    ]


def _base64url(key: str) -> str:
    return base64.urlsafe_b64encode(public_bytes(key)).rstrip(b"=").decode()


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


def represent_webhook(
    row: Row, project_ids: list[str] | None, public_keys: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """The webhook as the API shows it; never a secret or the values of its headers. `project_ids` null means every
    project; `public_keys` as `public_keys_of` gives them."""
    return {
        "id": row["id"],
        "object": "webhook",
        "url": row["url"],
        "description": row["description"],
        "event_types": row["event_types"],
        "project_ids": None if row["all_projects"] else project_ids or [],
        "payload_version": row["payload_version"],
        "signature": row["signature"],
        "public_keys": list(public_keys),
        "filter": row["filter"],
        "ordering": row["ordering"],
        "timeout_seconds": row["timeout_seconds"],
        "max_concurrency": row["max_concurrency"],
        "rate_per_minute": row["rate_per_minute"],
        "header_names": row["header_names"] or [],
        "auth_type": row["auth_type"],
        "enabled": row["enabled"],
        **_standing(row),
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "version": row["version"],
    }


def represent_trouble(row: Row) -> dict[str, Any]:
    """What the operational events `webhook.*` tell of it."""
    about = {name: row[name] for name in ("id", "url", "description")}
    return {"object": "webhook", **about, **_standing(row)}


def _standing(row: Row) -> dict[str, Any]:
    since = row["failing_since"]
    return {
        "status": status_of(row),
        "failing_since": rfc3339(since) if since else None,
        "disabled_reason": row["disabled_reason"],
    }


def webhooks_in_trouble(session: Session, limit: int) -> list[RowMapping]:
    """Webhooks that are failing, or that Callsheet disabled; the latest change first."""
    trouble = or_(webhooks.c.disabled_reason.is_not(None), webhooks.c.enabled & webhooks.c.failing_since.is_not(None))
    chosen = select(webhooks).where(trouble).order_by(webhooks.c.updated_at.desc(), webhooks.c.id)
    return list(session.execute(chosen.limit(limit)).mappings())
