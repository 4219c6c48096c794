"""Reads of API keys, and the check of a presented one."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, String, bindparam, case, or_, select

from ..access import Actor, Permission, Role, Scope
from ..clock import rfc3339, system_clock
from ..crypto import Keyring
from ..db import Moment, Row, Session
from ..errors import NotFound
from ..finding import find_row
from ..list_spec import ListSpec, Sortable
from . import tokens
from .models import api_key_projects, api_key_secrets, api_keys
from .rules import ENFORCE

STATUSES = ("active", "suspended", "revoked", "expired")
SECRET_STATUSES = ("active", "retiring", "retired")
NOTICE_DAYS = (30, 7, 1)
MOST_NOTICES = 200  # in one transaction; the rest follow in the next

# The moment at which a list asks what has expired; `fetch` may be given another.
_NOW = bindparam("now", callable_=system_clock, type_=Moment())
STATUS = case(
    (api_keys.c.revoked_at.is_not(None), "revoked"),
    (api_keys.c.expires_at <= _NOW, "expired"),
    (api_keys.c.suspended_at.is_not(None), "suspended"),
    else_="active",
).cast(String)
_FILTERS = ("id", "name", "role", "scope", "expires_at", "last_used_at", "created_at", "updated_at")
_LIMITS = ("read_per_minute", "write_per_minute")
API_KEYS = ListSpec(
    api_keys.c.id,
    {
        **Sortable.from_columns({name: api_keys.c[name] for name in _FILTERS}, role=tuple(Role), scope=tuple(Scope)),
        **Sortable.from_columns({name: api_keys.c[name] for name in _LIMITS}),
        "tags": Sortable(api_keys.c.tags, sortable=False),
        "status": Sortable(STATUS, sortable=False, choices=STATUSES),
    },
    "name",
    shown=(
        *("id", "object", "name", "description", "tags", "role", "scope", "project_ids", *_LIMITS, "allowed_cidrs"),
        "allowlist_mode",
        *("expires_at", "status", "suspended_at", "suspended_reason", "revoked_at", "revoked_reason"),
        *("last_used_at", "last_used_ip", "secrets", "created_by", "created_at", "updated_at", "version"),
    ),
    searched=(api_keys.c.name, api_keys.c.description),
)


class KeyRefused(Exception):
    """A presented key is not accepted.

    Attributes:
        reason: `missing`, `malformed`, `unknown`, `revoked`, `suspended` or `expired`.
        key_id: the key's id where it is known, for the audit.
    """

    def __init__(self, reason: str, message: str, key_id: str | None = None, secret_id: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.key_id = key_id
        self.secret_id = secret_id


@dataclass(frozen=True, slots=True)
class Credential:
    """A key as one of its secrets presents it: all that a request needs to know. May be remembered for a moment."""

    key_id: str
    secret_id: str
    digest: bytes
    actor: Actor
    epoch: int
    expires_at: datetime | None
    retired_at: datetime | None
    secret_expires_at: datetime | None
    suspended: bool
    revoked: bool
    read_per_minute: int
    write_per_minute: int
    allowed_cidrs: tuple[str, ...]
    allowlist_mode: str

    @property
    def sunset(self) -> datetime | None:
        """When the presented secret stops working because a rotation replaced it, or with the key if that ends before;
        None for the key's present one."""
        if self.secret_expires_at is None or self.expires_at is None:
            return self.secret_expires_at
        return min(self.secret_expires_at, self.expires_at)

    def recognise(self, keyring: Keyring, token: str) -> None:
        """Raise `KeyRefused` unless the token is this secret's."""
        if not hmac.compare_digest(self.digest, keyring.digest(token)):
            raise KeyRefused("unknown", "No such key: it was never made here, or its secret was replaced.")

    def check(self, keyring: Keyring, token: str, now: datetime) -> None:
        """Raise `KeyRefused` unless the token is this secret's and the key is in force."""
        self.recognise(keyring, token)
        ids = (self.key_id, self.secret_id)
        if self.revoked:
            raise KeyRefused("revoked", "This key was revoked. An admin can create a new one.", *ids)
        if self.expires_at is not None and self.expires_at <= now:
            raise KeyRefused("expired", f"This key expired at {rfc3339(self.expires_at)}.", *ids)
        if self.secret_expires_at is not None and self.secret_expires_at <= now:
            when = rfc3339(self.secret_expires_at)
            raise KeyRefused("expired", f"This secret was rotated out and stopped working at {when}.", *ids)
        if self.suspended:
            raise KeyRefused("suspended", "This key is suspended. An admin can resume it.", *ids)


def find_credential(session: Session, token: str) -> Credential:
    """The key that a well-formed token belongs to. One statement, and one more for a `project` key.

    Raises:
        KeyRefused: malformed or unknown.
    """
    secret_id = public_id(token)
    row = (
        session.execute(
            select(
                api_keys,
                api_key_secrets.c.digest,
                api_key_secrets.c.retired_at,
                api_key_secrets.c.expires_at.label("secret_expires_at"),
            )
            .join(api_key_secrets, api_key_secrets.c.key_id == api_keys.c.id)
            .where(api_key_secrets.c.id == secret_id)
        )
        .mappings()
        .first()
    )
    if row is None:
        raise KeyRefused("unknown", "No such key: it was never made here, or its secret was replaced.")
    projects = frozenset(project_ids(session, row["id"])) if row["scope"] == Scope.PROJECT else None
    role, scope, ranges = Role(row["role"]), Scope(row["scope"]), tuple(row["allowed_cidrs"])
    bound_to = ranges if row["allowlist_mode"] == ENFORCE else ()
    return Credential(
        key_id=row["id"],
        secret_id=secret_id,
        digest=row["digest"],
        actor=Actor("api_key", row["id"], row["name"], role, scope, projects, bound_to),
        epoch=row["epoch"],
        expires_at=row["expires_at"],
        retired_at=row["retired_at"],
        secret_expires_at=row["secret_expires_at"],
        suspended=row["suspended_at"] is not None,
        revoked=row["revoked_at"] is not None,
        read_per_minute=row["read_per_minute"],
        write_per_minute=row["write_per_minute"],
        allowed_cidrs=ranges,
        allowlist_mode=row["allowlist_mode"],
    )


def public_id(token: str) -> str:
    """The secret's public id, with no I/O.

    Raises:
        KeyRefused: malformed.
    """
    try:
        return tokens.public_id_of(token)
    except tokens.Malformed as error:
        raise KeyRefused("malformed", str(error)) from None


def project_ids(session: Session, key_id: str) -> list[str]:
    """The projects a key is limited to, in order; empty for other scopes."""
    chosen = select(api_key_projects.c.project_id).where(api_key_projects.c.key_id == key_id)
    return sorted(session.execute(chosen).scalars())


def load_key(session: Session, actor: Actor, key_id: str, *, for_update: bool = False) -> Row:
    """The key's row.

    Raises:
        Forbidden: the actor may not manage keys.
        NotFound: no such key.
    """
    actor.require(Permission.MANAGE_KEYS)
    row = find_row(session, api_keys, "key", key_id, for_update=for_update)
    if row is None:
        raise NotFound(f"There is no API key {key_id[:40]!r}.")
    return row


def projects_of(session: Session, key_ids: Iterable[str]) -> dict[str, list[str]]:
    """The projects that each key is limited to, in one statement; absent for those of other scopes."""
    chosen = select(api_key_projects).where(api_key_projects.c.key_id.in_(list(key_ids)))
    found: dict[str, list[str]] = {}
    for row in session.execute(chosen.order_by(api_key_projects.c.project_id)):
        found.setdefault(row.key_id, []).append(row.project_id)
    return found


def secrets_of(session: Session, key_ids: Iterable[str]) -> dict[str, list[RowMapping]]:
    """The secrets of each key without their digests, the newest first, in one statement."""
    table = api_key_secrets
    columns = [column for column in table.c if column is not table.c.digest]
    # Of those that were made at one moment, the one that no rotation has replaced.
    newest = (table.c.created_at.desc(), table.c.retired_at.is_not(None), table.c.id)
    chosen = select(*columns).where(table.c.key_id.in_(list(key_ids))).order_by(*newest)
    found: dict[str, list[RowMapping]] = {}
    for row in session.execute(chosen).mappings():
        found.setdefault(row["key_id"], []).append(row)
    return found


def secret_status(secret: Row, now: datetime) -> str:
    """`active`, `retiring` while both it and what replaced it work, or `retired`."""
    if secret["expires_at"] is None:
        return "active"
    return "retiring" if secret["expires_at"] > now else "retired"


def status_of(row: Row, now: datetime) -> str:
    """`active`, `suspended`, `revoked` or `expired`."""
    if row["revoked_at"] is not None:
        return "revoked"
    if row["expires_at"] is not None and row["expires_at"] <= now:
        return "expired"
    return "suspended" if row["suspended_at"] is not None else "active"


def expiring_keys(session: Session, now: datetime, until: datetime, limit: int) -> list[RowMapping]:
    """Keys in force that expire by then, the soonest first."""
    soon = api_keys.c.expires_at.between(now, until)
    chosen = (
        select(api_keys).where(soon, api_keys.c.revoked_at.is_(None)).order_by(api_keys.c.expires_at, api_keys.c.id)
    )
    return list(session.execute(chosen.limit(limit)).mappings())


def tags_in_use(session: Session) -> list[str]:
    """Every tag that a key has, by name."""
    return sorted({tag for tags in session.execute(select(api_keys.c.tags)).scalars() for tag in tags})


def due_notices(session: Session, now: datetime) -> list[tuple[Row, int]]:
    """Keys in force whose coming end has to be told, the soonest first, each with the days it is within."""
    ends, told = api_keys.c.expires_at, api_keys.c.expiry_notice
    until = {days: now + timedelta(days=days) for days in NOTICE_DAYS}
    due = or_(*((ends <= moment) & (told.is_(None) | (told > days)) for days, moment in until.items()))
    chosen = select(api_keys).where(ends > now, due, api_keys.c.revoked_at.is_(None))
    rows = session.execute(chosen.order_by(ends, api_keys.c.id).limit(MOST_NOTICES)).mappings()
    return [(row, min(days for days, moment in until.items() if row["expires_at"] <= moment)) for row in rows]


def represent_keys(session: Session, rows: Sequence[Row], now: datetime) -> list[dict[str, Any]]:
    """The keys as the API shows them, never their texts; two statements, however many."""
    ids = [row["id"] for row in rows]
    limited, secrets = projects_of(session, ids), secrets_of(session, ids)
    return [_represent(row, limited.get(row["id"]), secrets.get(row["id"], []), now) for row in rows]


def _represent(row: Row, projects: list[str] | None, secrets: Sequence[Row], now: datetime) -> dict[str, Any]:
    return {
        "id": row["id"],
        "object": "api_key",
        **{name: row[name] for name in ("name", "description", "tags", "role", "scope")},
        "project_ids": projects if row["scope"] == Scope.PROJECT else None,
        **{name: row[name] for name in ("read_per_minute", "write_per_minute", "allowed_cidrs", "allowlist_mode")},
        "expires_at": _written(row["expires_at"]),
        "status": status_of(row, now),
        "suspended_at": _written(row["suspended_at"]),
        "suspended_reason": row["suspended_reason"],
        "revoked_at": _written(row["revoked_at"]),
        "revoked_reason": row["revoked_reason"],
        "last_used_at": _written(row["last_used_at"]),
        "last_used_ip": row["last_used_ip"],
        "secrets": [_represent_secret(secret, now) for secret in secrets],
        "created_by": row["created_by"],
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "version": row["version"],
    }


def _represent_secret(secret: Row, now: datetime) -> dict[str, Any]:
    moments = ("created_at", "retired_at", "expires_at", "last_used_at")
    return {
        "id": secret["id"],
        "status": secret_status(secret, now),
        **{name: _written(secret[name]) for name in moments},
        "last_used_ip": secret["last_used_ip"],
    }


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
