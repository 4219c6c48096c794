"""Whom an allowlist would lock out that is only tried out: their calls are let in, and kept in mind for an admin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping, delete, select, update

from ..db import Session
from ..inserting import insert_ignoring_conflict
from .models import api_key_outsiders
from .rules import is_within

MOST_OUTSIDERS = 100  # of one key; those not seen for longest are forgotten


def note_outsider(session: Session, key_id: str, address: str, first: datetime, last: datetime, calls: int) -> None:
    """Add calls of an address that the key's allowlist does not name."""
    table = api_key_outsiders
    row = {"key_id": key_id, "address": address, "first_at": first, "last_at": last, "calls": 0}
    is_new = insert_ignoring_conflict(session, table, row)
    known = update(table).where(table.c.key_id == key_id, table.c.address == address)
    session.execute(known.values(calls=table.c.calls + calls, last_at=last))
    if is_new:
        kept = select(table.c.address).where(table.c.key_id == key_id).order_by(table.c.last_at.desc(), table.c.address)
        newest = list(session.execute(kept.limit(MOST_OUTSIDERS)).scalars())
        session.execute(delete(table).where(table.c.key_id == key_id, table.c.address.not_in(newest)))


def outsiders_of(session: Session, key_id: str) -> list[RowMapping]:
    """Whom the key's allowlist would lock out, the latest first."""
    table = api_key_outsiders
    chosen = select(table).where(table.c.key_id == key_id).order_by(table.c.last_at.desc(), table.c.address)
    return list(session.execute(chosen).mappings())


def forget_insiders(session: Session, key_id: str, cidrs: Sequence[str]) -> None:
    """Forget those whom a changed allowlist names; an empty one names everybody."""
    table = api_key_outsiders
    known = [row["address"] for row in outsiders_of(session, key_id)]
    named = [address for address in known if not cidrs or _is_named(address, cidrs)]
    session.execute(delete(table).where(table.c.key_id == key_id, table.c.address.in_(named)))


def _is_named(address: str, cidrs: Sequence[str]) -> bool:
    """Whether an allowlist names the address; none names a caller whose address could not be read."""
    try:
        return is_within([address], cidrs)
    except ValueError:
        return False
