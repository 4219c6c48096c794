"""Writes of API keys. Each takes effect in every process on its next request: see `Credential.epoch`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import delete, insert, update

from ..access import SYSTEM, Actor, Permission, Scope
from ..audit.commands import differences
from ..crypto import Keyring
from ..db import Row, Session, signal_after_commit
from ..entity_commands import Expected, require_expected
from ..errors import Conflict
from ..events.commands import Context, Happening, record_events
from ..ids import new_id
from ..signals import KeyChanged
from . import tokens
from .models import api_key_projects, api_key_secrets, api_keys
from .outsiders import forget_insiders
from .queries import (
    due_notices,
    find_credential,
    load_key,
    project_ids,
    represent_keys,
    secret_status,
    secrets_of,
    status_of,
)
from .rules import (
    FIELDS,
    GRACE,
    MOST_IN_FORCE,
    MOST_SECRETS,
    NewKey,
    check_grace,
    check_reason,
    refuse_more_than_held,
    settled,
)

LEAKED = "It was reported as leaked by somebody who presented it."
# What decides what a key may do, and from where.
_RIGHTS = frozenset({"role", "scope", "project_ids", "allowed_cidrs", "allowlist_mode"})


def create_key(session: Session, actor: Actor, keyring: Keyring, wanted: NewKey, now: datetime) -> tuple[str, str]:
    """Make a key with one secret.

    Returns:
        The key's id and its text, which is stored nowhere and cannot be shown again.

    Raises:
        Forbidden: the actor may not manage keys, or asks for more than it holds.
        Invalid: fields that break a rule.
    """
    actor.require(Permission.MANAGE_KEYS)
    fields = settled(session, wanted, now)
    refuse_more_than_held(actor, fields)
    key_id, chosen = new_id("key"), fields.pop("project_ids")
    made = {"id": key_id, "created_by": actor.as_data(), "created_at": now, "updated_at": now}
    session.execute(insert(api_keys).values(**fields, **made))
    _limit_to(session, key_id, chosen)
    return key_id, _add_secret(session, keyring, key_id, now)[1]


def change_key(
    session: Session,
    actor: Actor,
    key_id: str,
    given: Mapping[str, Any],
    now: datetime,
    expected: Expected = None,
) -> dict[str, dict[str, Any]]:
    """Change fields of a key; they are those of `NewKey`.

    Returns:
        By field, what it changed `from` and `to`, as JSON has it.

    Raises:
        Forbidden, NotFound: see `load_key`; the actor asks for more than it holds.
        Conflict: the key is revoked.
        Invalid: fields that break a rule.
        Stale: the key's version is not an expected one.
    """
    row = load_key(session, actor, key_id, for_update=True)
    before = {name: row[name] for name in FIELDS if name != "project_ids"}
    before["project_ids"] = project_ids(session, key_id)
    new = dict(given)
    if new.get("scope", row["scope"]) != Scope.PROJECT:
        new.setdefault("project_ids", [])  # they were those of the scope that it had
    fresh = {name for name, value in new.items() if value != before[name]}
    fields = settled(session, replace(NewKey(**before), **new), now, fresh)
    changed = {name: value for name, value in fields.items() if value != before[name]}
    if changed.keys() & _RIGHTS:
        refuse_more_than_held(actor, fields)
    _in_force(row)
    require_expected("key", row, expected)
    if not changed:
        return {}
    values = {name: value for name, value in changed.items() if name != "project_ids"}
    if "expires_at" in changed:
        values["expiry_notice"] = None
    if "project_ids" in changed:
        session.execute(delete(api_key_projects).where(api_key_projects.c.key_id == key_id))
        _limit_to(session, key_id, fields["project_ids"])
    if "allowed_cidrs" in changed:
        forget_insiders(session, key_id, changed["allowed_cidrs"])
    _change(session, row, now, **values)
    return differences({name: before[name] for name in changed}, changed)


def rotate_key(
    session: Session, actor: Actor, keyring: Keyring, key_id: str, now: datetime, grace_seconds: int = GRACE
) -> tuple[str, str]:
    """Give the key a new secret; those it had stop working when the grace ends, or when they would have anyway.

    Returns:
        The public id of the new secret, and the key's text with it, which cannot be shown again.

    Raises:
        Forbidden, NotFound: see `load_key`; the key may do more than the actor.
        Invalid: a grace out of range.
        Conflict: the key is revoked or expired, or too many of its secrets are still in force.
    """
    row = load_key(session, actor, key_id, for_update=True)
    check_grace(grace_seconds)
    _in_force(row)
    if status_of(row, now) == "expired":
        raise Conflict("This key has expired: change its expiry first.")
    refuse_more_than_held(actor, {**row, "project_ids": project_ids(session, key_id)})
    secrets = secrets_of(session, [key_id])[key_id]
    live = [secret for secret in secrets if secret_status(secret, now) != "retired"]
    if grace_seconds and len(live) >= MOST_IN_FORCE:
        raise Conflict(f"{len(live)} secrets of this key are in force: rotate it with a grace of 0, or wait.")
    for secret in live:
        _retire(session, row, secret, now + timedelta(seconds=grace_seconds), now)
    forgotten = [secret["id"] for secret in secrets[MOST_SECRETS - 1 :]]
    session.execute(delete(api_key_secrets).where(api_key_secrets.c.id.in_(forgotten)))
    _change(session, row, now)
    return _add_secret(session, keyring, key_id, now)


def suspend_key(session: Session, actor: Actor, key_id: str, now: datetime, reason: str = "") -> dict[str, Any]:
    """Refuse the key until it is resumed.

    Returns:
        What it changed, as the audit trail tells it: the status, and the reason if there is one.

    Raises:
        Forbidden, NotFound: see `load_key`.
        Invalid: too long a reason.
        Conflict: it is suspended already, or revoked.
    """
    row = load_key(session, actor, key_id, for_update=True)
    check_reason(reason)
    if _in_force(row)["suspended_at"] is not None:
        raise Conflict("This key is suspended already.", ["resume", "revoke"])
    return _change_status(session, row, now, reason, suspended_at=now, suspended_reason=reason or None)


def resume_key(session: Session, actor: Actor, key_id: str, now: datetime) -> dict[str, Any]:
    """Accept a suspended key again.

    Returns:
        See `suspend_key`.

    Raises:
        Forbidden, NotFound: see `load_key`.
        Conflict: it is not suspended, or revoked.
    """
    row = load_key(session, actor, key_id, for_update=True)
    if _in_force(row)["suspended_at"] is None:
        raise Conflict("This key is not suspended.", ["suspend", "revoke"])
    return _change_status(session, row, now, suspended_at=None, suspended_reason=None)


def revoke_key(session: Session, actor: Actor, key_id: str, now: datetime, reason: str = "") -> dict[str, Any]:
    """End a key for good: refused on its next request, in every process.

    Returns:
        See `suspend_key`.

    Raises:
        Forbidden, NotFound: see `load_key`.
        Invalid: too long a reason.
        Conflict: it is revoked already.
    """
    row = load_key(session, actor, key_id, for_update=True)
    check_reason(reason)
    return _change_status(session, _in_force(row), now, reason, revoked_at=now, revoked_reason=reason or None)


@dataclass(frozen=True, slots=True)
class Leaked:
    """What a report of a leak ended: the `key`, the `secret` alone, or `nothing` that had not ended before."""

    key_id: str
    secret_id: str
    ended: str


def revoke_leaked(session: Session, keyring: Keyring, token: str, now: datetime) -> Leaked:
    """End what the text of a key opens, whoever presents it: to know it is to hold it.

    The key is revoked; of one whose secret was rotated out already, that secret alone ends.

    Raises:
        KeyRefused: malformed, or the text of no key.
    """
    find_credential(session, token).recognise(keyring, token)
    # Read again once the key is locked: a rotation at this moment decides which of the two ends.
    row = load_key(session, SYSTEM, find_credential(session, token).key_id, for_update=True)
    credential = find_credential(session, token)
    leaked = partial(Leaked, credential.key_id, credential.secret_id)
    ends = credential.secret_expires_at
    if credential.revoked or (ends is not None and ends <= now):
        return leaked("nothing")
    if ends is not None:
        ended = update(api_key_secrets).where(api_key_secrets.c.id == credential.secret_id)
        session.execute(ended.values(expires_at=now))
        _change(session, row, now)
        return leaked("secret")
    _change(session, row, now, revoked_at=now, revoked_reason=LEAKED)
    return leaked("key")


def note_use(session: Session, key_id: str, secret_id: str, ip: str, now: datetime) -> None:
    """Keep when, with which secret and from where a key was used last."""
    used = {"last_used_at": now, "last_used_ip": ip}
    session.execute(update(api_keys).where(api_keys.c.id == key_id).values(**used))
    session.execute(update(api_key_secrets).where(api_key_secrets.c.id == secret_id).values(**used))


def note_expiring(session: Session, now: datetime) -> int:
    """Emit `api_key.expiring` for keys that have come within 30, 7 or 1 days of their end; how many.

    Each once: the mark on the key is set in the event's transaction, by whichever sweeper is first. Of several that are
    due at once, because nobody looked or the key was made so short-lived, the last alone is told.
    """
    happenings = []
    for row, days in due_notices(session, now):
        told = api_keys.c.expiry_notice.is_not_distinct_from(row["expiry_notice"])
        as_it_was = (api_keys.c.id == row["id"], api_keys.c.epoch == row["epoch"], told)
        marked = session.execute(update(api_keys).where(*as_it_was).values(expiry_notice=days))
        if marked.rowcount == 1:
            (shown,) = represent_keys(session, [row], now)
            happenings.append(Happening("api_key.expiring", None, {**shown, "expires_within_days": days}))
    record_events(session, Context(SYSTEM, now), happenings)
    return len(happenings)


def _in_force(row: Row) -> Row:
    if row["revoked_at"] is not None:
        raise Conflict("This key is revoked already; nothing brings it back.", [])
    return row


def _change(session: Session, row: Row, now: datetime, **values: object) -> None:
    """Write to the key (its row, locked), and tell every process that what it remembers of it is stale."""
    epoch = row["epoch"] + 1
    values |= {"epoch": epoch, "version": row["version"] + 1, "updated_at": now}
    session.execute(update(api_keys).where(api_keys.c.id == row["id"]).values(**values))
    signal_after_commit(session, KeyChanged(row["id"], epoch))


def _change_status(session: Session, row: Row, now: datetime, reason: str = "", **values: object) -> dict[str, Any]:
    """The same, and what it makes of the key's status: an expired one stays so, suspended or not."""
    _change(session, row, now, **values)
    became = status_of({**row, **values}, now)
    return differences({"status": status_of(row, now)}, {"status": became}) | ({"reason": reason} if reason else {})


def _limit_to(session: Session, key_id: str, chosen: list[str]) -> None:
    if chosen:
        rows = [{"key_id": key_id, "project_id": project_id} for project_id in chosen]
        session.execute(insert(api_key_projects), rows)


def _add_secret(session: Session, keyring: Keyring, key_id: str, now: datetime) -> tuple[str, str]:
    secret_id, token = tokens.make_token()
    row = {"id": secret_id, "key_id": key_id, "digest": keyring.digest(token), "created_at": now}
    session.execute(insert(api_key_secrets).values(row))
    return secret_id, token


def _retire(session: Session, key: Row, secret: Row, until: datetime, now: datetime) -> None:
    """Let a secret work until then and no longer, whatever it would have outlived."""
    ends = min(moment for moment in (until, secret["expires_at"], key["expires_at"]) if moment is not None)
    values = {"expires_at": ends, "retired_at": secret["retired_at"] or now}
    session.execute(update(api_key_secrets).where(api_key_secrets.c.id == secret["id"]).values(values))
