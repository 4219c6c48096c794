"""Reads of API keys, and the check of a presented one."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, select

from ..access import Actor, Permission, Role, Scope
from ..clock import rfc3339
from ..crypto import Keyring
from ..db import Row, Session
from ..errors import NotFound
from ..finding import find_row
from ..list_spec import ListSpec, Sortable
from . import tokens
from .models import api_key_projects, api_key_secrets, api_keys

_FILTERS = ("id", "name", "role", "scope", "expires_at", "last_used_at", "created_at", "updated_at")
API_KEYS = ListSpec(
    api_keys.c.id,
    Sortable.from_columns({name: api_keys.c[name] for name in _FILTERS}),
    "name",
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
    secret_expires_at: datetime | None
    suspended: bool
    revoked: bool
    read_per_minute: int
    write_per_minute: int
    allowed_cidrs: tuple[str, ...]

    def check(self, keyring: Keyring, token: str, now: datetime) -> None:
        """Raise `KeyRefused` unless the token is this secret's and the key is in force."""
        if not hmac.compare_digest(self.digest, keyring.digest(token)):
            raise KeyRefused("unknown", "No such key: it was never made here, or its secret was replaced.")
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
            select(api_keys, api_key_secrets.c.digest, api_key_secrets.c.expires_at.label("secret_expires_at"))
            .join(api_key_secrets, api_key_secrets.c.key_id == api_keys.c.id)
            .where(api_key_secrets.c.id == secret_id)
        )
        .mappings()
        .first()
    )
    if row is None:
        raise KeyRefused("unknown", "No such key: it was never made here, or its secret was replaced.")
    projects = frozenset(project_ids(session, row["id"])) if row["scope"] == Scope.PROJECT else None
    return Credential(
        key_id=row["id"],
        secret_id=secret_id,
        digest=row["digest"],
        actor=Actor("api_key", row["id"], row["name"], Role(row["role"]), Scope(row["scope"]), projects),
        epoch=row["epoch"],
        expires_at=row["expires_at"],
        secret_expires_at=row["secret_expires_at"],
        suspended=row["suspended_at"] is not None,
        revoked=row["revoked_at"] is not None,
        read_per_minute=row["read_per_minute"],
        write_per_minute=row["write_per_minute"],
        allowed_cidrs=tuple(row["allowed_cidrs"]),
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


def secrets_of(session: Session, key_id: str) -> list[RowMapping]:
    """The key's secrets without their digests, newest first."""
    columns = (api_key_secrets.c.id, api_key_secrets.c.created_at, api_key_secrets.c.expires_at)
    chosen = select(*columns).where(api_key_secrets.c.key_id == key_id).order_by(api_key_secrets.c.created_at.desc())
    return list(session.execute(chosen).mappings())


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
