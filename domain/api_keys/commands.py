"""Writes of API keys."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, update

from ..access import BY_ROLE, BY_SCOPE, Actor, Permission, Role, Scope
from ..crypto import Keyring
from ..db import Session, signal_after_commit
from ..errors import Conflict, FieldError, Forbidden, Invalid
from ..ids import new_id
from ..projects.queries import check_projects
from ..signals import KeyChanged
from . import tokens
from .models import api_key_projects, api_key_secrets, api_keys
from .queries import load_key

READ_PER_MINUTE, WRITE_PER_MINUTE = 100, 20
HIGHEST_LIMIT = 1_000_000
MOST_CIDRS = 100


@dataclass(frozen=True, slots=True)
class NewKey:
    """What an admin asks for. `expires_at` None means never."""

    name: str
    role: str
    scope: str
    description: str = ""
    project_ids: Sequence[str] = ()
    read_per_minute: int = READ_PER_MINUTE
    write_per_minute: int = WRITE_PER_MINUTE
    allowed_cidrs: Sequence[str] = ()
    expires_at: datetime | None = None


def create_key(session: Session, actor: Actor, keyring: Keyring, wanted: NewKey, now: datetime) -> tuple[str, str]:
    """Make a key with one secret.

    Returns:
        The key's id and its text, which is stored nowhere and cannot be shown again.

    Raises:
        Forbidden: the actor may not manage keys, or asks for more than it holds.
        Invalid: fields that break a rule.
    """
    actor.require(Permission.MANAGE_KEYS)
    errors = _check(session, wanted, now)
    if errors:
        raise Invalid(*errors)
    _refuse_more_than_held(actor, wanted)
    key_id, (secret_id, token) = new_id("key"), tokens.make_token()
    session.execute(
        insert(api_keys).values(
            id=key_id,
            name=wanted.name.strip(),
            description=wanted.description,
            role=wanted.role,
            scope=wanted.scope,
            read_per_minute=wanted.read_per_minute,
            write_per_minute=wanted.write_per_minute,
            allowed_cidrs=[str(ipaddress.ip_network(cidr.strip())) for cidr in wanted.allowed_cidrs],
            expires_at=wanted.expires_at,
            created_by=actor.as_data(),
            created_at=now,
            updated_at=now,
        )
    )
    secret = {"id": secret_id, "key_id": key_id, "digest": keyring.digest(token), "created_at": now}
    session.execute(insert(api_key_secrets).values(secret))
    if wanted.project_ids:
        rows = [{"key_id": key_id, "project_id": project_id} for project_id in sorted(set(wanted.project_ids))]
        session.execute(insert(api_key_projects), rows)
    return key_id, token


def revoke_key(session: Session, actor: Actor, key_id: str, now: datetime) -> None:
    """End a key for good: refused on its next request, in every process.

    Raises:
        Forbidden, NotFound: see `load_key`.
        Conflict: it is revoked already.
    """
    row = load_key(session, actor, key_id, for_update=True)
    if row["revoked_at"] is not None:
        raise Conflict("This key is revoked already; nothing brings it back.")
    _change(session, row["id"], row["epoch"], row["version"], now, revoked_at=now)


def _change(session: Session, key_id: str, epoch: int, version: int, now: datetime, **values: object) -> None:
    values |= {"epoch": epoch + 1, "version": version + 1, "updated_at": now}
    session.execute(update(api_keys).where(api_keys.c.id == key_id).values(**values))
    signal_after_commit(session, KeyChanged(key_id, epoch + 1))


def _refuse_more_than_held(actor: Actor, wanted: NewKey) -> None:
    held = {p for p in Permission if actor.may(p)}
    asked = BY_ROLE[Role(wanted.role)] & BY_SCOPE[Scope(wanted.scope)]
    outside = actor.project_ids is not None and not set(wanted.project_ids) <= actor.project_ids
    if not asked <= held or outside or (actor.project_ids is not None and wanted.scope != Scope.PROJECT):
        raise Forbidden("A key cannot be given more than its maker holds.")


def _check(session: Session, wanted: NewKey, now: datetime) -> list[FieldError]:
    errors = []
    if not 1 <= len(wanted.name.strip()) <= 200 or "\0" in wanted.name:
        errors.append(FieldError("/name", "length", "Give a name of 1 to 200 characters."))
    if len(wanted.description) > 2000 or "\0" in wanted.description:
        errors.append(FieldError("/description", "length", "Keep the description to 2,000 characters."))
    if wanted.role not in list(Role):
        errors.append(FieldError("/role", "unknown", f"The role must be one of {', '.join(Role)}."))
    if wanted.scope not in list(Scope):
        errors.append(FieldError("/scope", "unknown", f"The scope must be one of {', '.join(Scope)}."))
    for name in ("read_per_minute", "write_per_minute"):
        if not 1 <= getattr(wanted, name) <= HIGHEST_LIMIT:
            message = f"The limit must be from 1 to {HIGHEST_LIMIT:,} calls a minute."
            errors.append(FieldError(f"/{name}", "range", message))
    if wanted.expires_at is not None and wanted.expires_at <= now:
        errors.append(
            FieldError("/expires_at", "past", "The expiry must lie in the future; leave it out for the default.")
        )
    return errors + _check_projects(session, wanted) + _check_cidrs(wanted.allowed_cidrs)


def _check_projects(session: Session, wanted: NewKey) -> list[FieldError]:
    if wanted.scope != Scope.PROJECT:
        if wanted.project_ids:
            return [FieldError("/project_ids", "unexpected", "Projects are listed only with the scope `project`.")]
        return []
    if not wanted.project_ids:
        return [FieldError("/project_ids", "required", "List at least one project for the scope `project`.")]
    return check_projects(session, wanted.project_ids)


def _check_cidrs(cidrs: Sequence[str]) -> list[FieldError]:
    if len(cidrs) > MOST_CIDRS:
        return [FieldError("/allowed_cidrs", "length", f"List at most {MOST_CIDRS} ranges.")]
    errors = []
    for index, cidr in enumerate(cidrs):
        try:
            ipaddress.ip_network(cidr.strip())
        except ValueError:
            message = f"{cidr[:60]!r} is not an address or CIDR range such as 10.0.0.0/8 or 2001:db8::/32."
            errors.append(FieldError(f"/allowed_cidrs/{index}", "invalid", message))
    return errors
