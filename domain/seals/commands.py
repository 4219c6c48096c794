"""Sealing rows of the audit trail, and pruning sealed ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, insert, select, update

from ..audit.models import api_audit_log
from ..crypto import Keyring
from ..db import Session, take_lock
from .checkpoints import NO_HEAD, Checkpoint, Kind
from .merkle import root_of
from .models import audit_sealed_rows, audit_seals
from .queries import last_checkpoint, leaves_of

# Of the databases' advisory locks: whoever writes a seal holds it.
SEALING = 0x5EA1


def seal_rows(
    session: Session,
    keyring: Keyring,
    last: Checkpoint | None,
    leaves: Mapping[str, bytes],
    *,
    kind: Kind = Kind.SEALED,
    until: datetime,
    now: datetime,
) -> Checkpoint | None:
    """Give these rows their places behind `last`, and sign. No rows make a seal as well: nothing came until then.

    Args:
        last: the newest seal when the rows were found to have none.
        leaves: id to leaf, in the order of their places.

    Returns:
        The seal, or None when somebody else is writing one or has done so since.
    """
    if not take_lock(session, SEALING) or last_checkpoint(session) != last:
        return None
    first = 1 if last is None else last.size + 1
    hashes = list(leaves.values())
    places = [{"sequence": first + n, "row_id": row_id, "leaf": leaves[row_id]} for n, row_id in enumerate(leaves)]
    if places:
        session.execute(insert(audit_sealed_rows), places)
    size = first - 1 + len(hashes)
    return _append(session, keyring, last, kind, (first, size), hashes, size=size, until=until, now=now)


def prune_sealed(
    session: Session, keyring: Keyring, condition: ColumnElement[bool], limit: int, now: datetime
) -> int | None:
    """Delete up to `limit` rows of the trail, the oldest first, and record it in a seal: all in this transaction.

    Only sealed rows go, and only if they are as they were sealed: what somebody has changed stays, to be found. Their
    leaves stay as well, so that the seals they were in can still be checked.

    Args:
        condition: over the columns of `api_audit_log`; which rows are to go.
        limit: at most some thousands: no row is sealed meanwhile.

    Returns:
        How many rows were deleted; None when none can be just now: there is no seal yet, somebody is writing one, or
        the newest is not ours.

    Raises:
        ValueError: the newest seal is not one that a sealer wrote.
    """
    if not take_lock(session, SEALING) or (last := last_checkpoint(session)) is None or not last.is_signed(keyring):
        return None
    chosen = _untouched(session, condition, limit)
    if not chosen:
        return 0
    places = [row["sequence"] for row in chosen]
    made = _append(
        session, keyring, last, Kind.PRUNED, (places[0], places[-1]), [row["leaf"] for row in chosen],
        size=last.size, until=last.until, now=now,
    )  # fmt: skip
    session.execute(
        update(audit_sealed_rows).where(audit_sealed_rows.c.sequence.in_(places)).values(pruned_by=made.seal)
    )
    session.execute(delete(api_audit_log).where(api_audit_log.c.id.in_([row["row_id"] for row in chosen])))
    return len(chosen)


def _untouched(session: Session, condition: ColumnElement[bool], limit: int) -> list[Mapping[Any, Any]]:
    """The rows to prune, by their places."""
    sealed, log = audit_sealed_rows.c, api_audit_log.c
    chosen = (
        select(sealed.sequence, sealed.row_id, sealed.leaf)
        .select_from(api_audit_log.join(audit_sealed_rows, sealed.row_id == log.id))
        .where(condition, sealed.pruned_by.is_(None))
        .order_by(log.at, log.id)
        .limit(bindparam("most", limit))
    )
    rows = list(session.execute(chosen).mappings())
    current = leaves_of(session, [row["row_id"] for row in rows])
    return sorted(
        (row for row in rows if current.get(row["row_id"]) == row["leaf"]), key=lambda row: int(row["sequence"])
    )


def _append(
    session: Session,
    keyring: Keyring,
    last: Checkpoint | None,
    kind: Kind,
    span: tuple[int, int],
    leaves: Sequence[bytes],
    *,
    size: int,
    until: datetime,
    now: datetime,
) -> Checkpoint:
    """Sign and write the next seal."""
    made = Checkpoint(
        seal=1 if last is None else last.seal + 1,
        kind=kind.value,
        first=span[0],
        last=span[1],
        count=len(leaves),
        root=root_of(leaves).hex(),
        size=size,
        previous=NO_HEAD if last is None else last.head,
        until=until,
        at=now,
    ).signed(keyring)
    session.execute(insert(audit_seals).values(seal=made.seal, checkpoint=made.line))
    return made
