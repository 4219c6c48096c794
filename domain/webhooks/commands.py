"""Writes of webhooks: registering one, and sending it a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert

from ..access import Permission
from ..crypto import Keyring
from ..db import Session
from ..deliveries.commands import deliver_to
from ..errors import Conflict, FieldError, Invalid
from ..events.catalogue import TYPES, check_patterns
from ..events.commands import Context, Happening, write_events
from ..events.examples import example_data
from ..ids import new_id
from ..projects.queries import check_projects
from .addresses import ForbiddenAddress
from .models import webhook_event_types, webhook_projects, webhook_secrets, webhooks
from .queries import load_webhook
from .signing import new_secret

PAYLOAD_VERSIONS = ("v1", "v1-thin")
SIGNATURES = ("v1",)
LONGEST_DESCRIPTION = 2000

# Resolves a URL's host and applies the address policy: raises `ForbiddenAddress`. A port, because resolving is I/O.
CheckTarget = Callable[[str], None]


def ask_beforehand(check: CheckTarget, url: str) -> CheckTarget:
    """Ask now, outside any transaction, for a name may take seconds to resolve; the result repeats the verdict."""
    try:
        check(url)
    except ForbiddenAddress as error:
        refusal = error

        def repeat(_url: str) -> None:
            raise refusal

        return repeat
    return lambda _url: None


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """What an admin asks for. `project_ids` None means every project."""

    url: str
    event_types: Sequence[str]
    description: str = ""
    project_ids: Sequence[str] | None = None
    payload_version: str = "v1"
    signature: str = "v1"
    enabled: bool = True


def create_webhook(
    session: Session, context: Context, keyring: Keyring, wanted: NewWebhook, check_target: CheckTarget
) -> tuple[str, str]:
    """Register a webhook.

    Returns:
        Its id and its secret, which is kept encrypted and shown this once.

    Raises:
        Forbidden: the actor may not manage webhooks.
        Invalid: fields that break a rule; a URL that is not http(s), has userinfo, or resolves to a forbidden address.
    """
    context.actor.require(Permission.MANAGE_WEBHOOKS)
    patterns = list(dict.fromkeys(wanted.event_types))
    errors = _check(session, wanted) + _check_url(wanted.url, check_target)
    if errors:
        raise Invalid(*errors)
    webhook_id, now = new_id("whk"), context.now
    session.execute(
        insert(webhooks).values(
            id=webhook_id,
            url=wanted.url,
            description=wanted.description,
            event_types=patterns,
            all_projects=wanted.project_ids is None,
            payload_version=wanted.payload_version,
            signature=wanted.signature,
            enabled=wanted.enabled,
            created_by=context.actor.as_data(),
            created_at=now,
            updated_at=now,
        )
    )
    rows = [{"webhook_id": webhook_id, "pattern": pattern} for pattern in patterns]
    session.execute(insert(webhook_event_types), rows)
    if wanted.project_ids:
        links = [{"webhook_id": webhook_id, "project_id": project_id} for project_id in sorted(set(wanted.project_ids))]
        session.execute(insert(webhook_projects), links)
    return webhook_id, _add_secret(session, keyring, webhook_id, context)


def _add_secret(session: Session, keyring: Keyring, webhook_id: str, context: Context) -> str:
    secret, secret_id = new_secret(), new_id("whs")
    sealed = keyring.encrypt(secret.encode(), f"webhook_secrets/{secret_id}")
    row = {"id": secret_id, "webhook_id": webhook_id, "sealed": sealed, "created_at": context.now}
    session.execute(insert(webhook_secrets).values(row))
    return secret


def send_test(session: Session, context: Context, webhook_id: str, event_type: str = "webhook.test") -> str:
    """Send the webhook an example of an event type through the real pipeline.

    Returns:
        The delivery's id.

    Raises:
        Forbidden, NotFound: see `load_webhook`.
        Invalid: no such event type.
        Conflict: the webhook is disabled.
    """
    webhook = load_webhook(session, context.actor, webhook_id)
    if event_type not in TYPES:
        names = ", ".join(f"`{name}`" for name in TYPES)
        raise Invalid.field("event_type", "unknown", f"There is no event type {event_type[:60]!r}; there are {names}.")
    if not webhook["enabled"]:
        raise Conflict("This webhook is disabled; enable it before testing it.")
    data, changes = example_data(event_type, webhook)
    [event_id] = write_events(session, context, [Happening(event_type, None, data, changes)], is_test=True)
    return deliver_to(session, webhook_id, event_id, context.now)


def _check(session: Session, wanted: NewWebhook) -> list[FieldError]:
    errors = check_patterns(list(wanted.event_types))
    if len(wanted.description) > LONGEST_DESCRIPTION or "\0" in wanted.description:
        message = f"Keep the description to {LONGEST_DESCRIPTION:,} characters, none of them NUL."
        errors.append(FieldError("/description", "length", message))
    choices: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
        ("payload_version", wanted.payload_version, PAYLOAD_VERSIONS),
        ("signature", wanted.signature, SIGNATURES),
    )
    for name, value, allowed in choices:
        if value not in allowed:
            errors.append(FieldError(f"/{name}", "unknown", f"`{name}` must be one of {', '.join(allowed)}."))
    if wanted.project_ids is not None and not wanted.project_ids:
        errors.append(FieldError("/project_ids", "required", "List at least one project, or leave it out for all."))
    return errors + check_projects(session, wanted.project_ids or ())


def _check_url(url: str, check_target: CheckTarget) -> list[FieldError]:
    try:
        check_target(url)
    except ForbiddenAddress as error:
        return [FieldError("/url", "forbidden", str(error))]
    return []
