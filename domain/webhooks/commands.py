"""Writes of webhooks: registering, changing and deleting them, and sending one a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Null, delete, insert, null, update

from ..access import Permission
from ..audit.commands import differences
from ..crypto import Keyring
from ..db import Row, Session, signal_after_commit
from ..deliveries.commands import deliver_to
from ..entity_commands import Expected, require_expected
from ..errors import Conflict, FieldError, Invalid
from ..events.catalogue import TYPES
from ..events.commands import Context, Happening, write_events
from ..events.examples import example_data
from ..ids import new_id
from ..signals import DeliveriesDue
from .addresses import ForbiddenAddress
from .filters import read_filter
from .headers import sealed
from .models import webhook_event_types, webhook_filters, webhook_projects, webhooks
from .queries import load_webhook, projects_of
from .rotation import add_secret, replace_secrets
from .rules import GRACE, PLAIN, NewWebhook, check_terms

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


def create_webhook(
    session: Session, context: Context, keyring: Keyring, wanted: NewWebhook, check_target: CheckTarget
) -> tuple[str, str | None]:
    """Register a webhook.

    Returns:
        Its id, and its secret, which is kept encrypted and shown this once; None where it signs with a private key.

    Raises:
        Forbidden: the actor may not manage webhooks.
        Invalid: fields that break a rule; a URL that is not http(s), has userinfo, or resolves to a forbidden address.
    """
    context.actor.require(Permission.MANAGE_WEBHOOKS)
    errors = check_terms(session, wanted) + _check_url(wanted.url, check_target)
    if errors:
        raise Invalid(*errors)
    webhook_id, now = new_id("whk"), context.now
    columns = {name: value for name in PLAIN if (value := getattr(wanted, name)) is not None}
    columns |= sealed(keyring, webhook_id, {"headers": wanted.headers, "auth": wanted.auth})
    made = {"created_by": context.actor.as_data(), "created_at": now, "updated_at": now}
    patterns = list(dict.fromkeys(wanted.event_types))
    all_projects = wanted.project_ids is None
    row = {"id": webhook_id, "event_types": patterns, "all_projects": all_projects, **columns, **made}
    session.execute(insert(webhooks).values(row))
    _subscribe(session, webhook_id, patterns)
    _limit_to(session, webhook_id, wanted.project_ids)
    _filter_by(session, webhook_id, wanted.filter)
    return webhook_id, add_secret(session, keyring, webhook_id, wanted.signature, now)


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change came to.

    Attributes:
        fields: by name what it changed `from` and `to`, as JSON has it; of headers their names alone.
        secret: where the kind of signature became `v1`, the secret, which cannot be shown again.
    """

    fields: Mapping[str, Any]
    secret: str | None = None


def change_webhook(
    session: Session,
    context: Context,
    keyring: Keyring,
    webhook_id: str,
    given: Mapping[str, Any],
    check_target: CheckTarget,
    expected: Expected = None,
) -> Changed:
    """Change terms of a webhook; they are those of `NewWebhook`. `headers` and `auth` replace what there was.

    Enabling or disabling it forgets how it stood. Another kind of signature makes a new secret or key; what signed
    before signs beside it for a day, as after a rotation.

    Raises:
        Forbidden, NotFound: see `load_webhook`.
        Invalid: fields that break a rule, as in `create_webhook`.
        Stale: the webhook's version is not an expected one.
        Conflict: the headers that are to stay cannot be read; too many of its secrets are in force.
    """
    row = load_webhook(session, context.actor, webhook_id, for_update=True)
    before = _terms_of(session, row)
    errors = check_terms(session, replace(NewWebhook(**before), **given))
    if given.get("url", row["url"]) != row["url"]:
        errors += _check_url(given["url"], check_target)
    if errors:
        raise Invalid(*errors)
    require_expected("webhook", row, expected)
    settled = {**given, **_settled_lists(given)}
    changed = {name: settled[name] for name in before if name in settled and settled[name] != before[name]}
    columns = {name: null() if changed[name] is None else changed[name] for name in PLAIN if name in changed}
    columns |= _changed_headers(keyring, row, given)
    if not changed and not columns:
        return Changed({})
    secret = _rewrite(session, context, keyring, webhook_id, changed)
    if "enabled" in changed:
        columns |= _FRESH
        signal_after_commit(session, DeliveriesDue())
    if "event_types" in changed:
        columns["event_types"] = changed["event_types"]
    if "project_ids" in changed:
        columns["all_projects"] = changed["project_ids"] is None
    columns |= {"version": row["version"] + 1, "updated_at": context.now}
    session.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(**columns))
    return Changed(_told(row, before, changed, columns), secret)


# How an enabled webhook begins, whatever came before.
_FRESH: dict[str, Any] = {
    "disabled_reason": None, "failing_since": None, "failing_told": False, "breaker": "closed",
    "failures_in_a_row": 0, "paused_until": None,
}  # fmt: skip
_HEADER_COLUMNS = ("header_names", "auth_type")


def _terms_of(session: Session, row: Row) -> dict[str, Any]:
    """Its terms as `NewWebhook` has them, but for those that nobody is shown."""
    limited = None if row["all_projects"] else projects_of(session, [row["id"]]).get(row["id"], [])
    return {**{name: row[name] for name in PLAIN}, "event_types": row["event_types"], "project_ids": limited}


def _settled_lists(given: Mapping[str, Any]) -> dict[str, Any]:
    """Lists as they are kept: everything once, projects in order."""
    settled: dict[str, Any] = {}
    if "event_types" in given:
        settled["event_types"] = list(dict.fromkeys(given["event_types"]))
    if given.get("project_ids") is not None:
        settled["project_ids"] = sorted(set(given["project_ids"]))
    return settled


def _changed_headers(keyring: Keyring, row: Row, given: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of headers, where they become others than they were."""
    asked = {name: given[name] for name in ("headers", "auth") if name in given}
    if not asked:
        return {}
    columns = sealed(keyring, row["id"], asked, row)
    if row["sealed_headers"] is columns["sealed_headers"] is None:
        return {}
    return {name: null() if value is None else value for name, value in columns.items()}


def _rewrite(
    session: Session, context: Context, keyring: Keyring, webhook_id: str, changed: Mapping[str, Any]
) -> str | None:
    """Write anew what is kept in other tables; the secret where one was made."""
    if "event_types" in changed:
        session.execute(delete(webhook_event_types).where(webhook_event_types.c.webhook_id == webhook_id))
        _subscribe(session, webhook_id, changed["event_types"])
    if "project_ids" in changed:
        session.execute(delete(webhook_projects).where(webhook_projects.c.webhook_id == webhook_id))
        _limit_to(session, webhook_id, changed["project_ids"])
    if "filter" in changed:
        session.execute(delete(webhook_filters).where(webhook_filters.c.webhook_id == webhook_id))
        _filter_by(session, webhook_id, changed["filter"])
    if "signature" not in changed:
        return None
    return replace_secrets(session, keyring, webhook_id, changed["signature"], context.now, GRACE)


def _told(
    row: Row, before: Mapping[str, Any], changed: Mapping[str, Any], columns: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """The changes as the audit trail tells them, with the standing that an enabling or disabling forgot."""
    told = differences({name: before[name] for name in changed}, changed)
    if "enabled" in changed:
        told |= differences({name: row[name] for name in _FRESH}, _FRESH)
    if "sealed_headers" in columns:
        after = {name: None if isinstance(columns[name], Null) else columns[name] for name in _HEADER_COLUMNS}
        told["own_headers"] = {"from": {name: row[name] for name in _HEADER_COLUMNS}, "to": after}
    return told


def delete_webhook(
    session: Session, context: Context, webhook_id: str, expected: Expected = None
) -> dict[str, dict[str, Any]]:
    """Delete a webhook with its secrets, deliveries, attempts and replays. What is being sent now may arrive.

    Returns:
        Its terms, `from` what they were `to` null.

    Raises:
        Forbidden, NotFound: see `load_webhook`.
        Stale: the webhook's version is not an expected one.
    """
    row = load_webhook(session, context.actor, webhook_id, for_update=True)
    require_expected("webhook", row, expected)
    was = {**_terms_of(session, row), **{name: row[name] for name in _HEADER_COLUMNS}}
    session.execute(delete(webhooks).where(webhooks.c.id == webhook_id))
    return differences(was, {})


def _subscribe(session: Session, webhook_id: str, patterns: Sequence[str]) -> None:
    rows = [{"webhook_id": webhook_id, "pattern": pattern} for pattern in patterns]
    session.execute(insert(webhook_event_types), rows)


def _limit_to(session: Session, webhook_id: str, project_ids: Sequence[str] | None) -> None:
    if project_ids:
        links = [{"webhook_id": webhook_id, "project_id": project_id} for project_id in sorted(set(project_ids))]
        session.execute(insert(webhook_projects), links)


def _filter_by(session: Session, webhook_id: str, given: Mapping[str, Any] | None) -> None:
    conditions, _ = read_filter(given)
    rows = [{"webhook_id": webhook_id, "number": number, **asdict(one)} for number, one in enumerate(conditions)]
    if rows:
        session.execute(insert(webhook_filters), rows)


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


def _check_url(url: str, check_target: CheckTarget) -> list[FieldError]:
    try:
        check_target(url)
    except ForbiddenAddress as error:
        return [FieldError("/url", "forbidden", str(error))]
    return []
