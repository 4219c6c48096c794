"""Reads of seals, and finding rows that have none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import DataError, OperationalError

from ..audit.models import api_audit_log
from ..columns import exact
from ..db import Session
from ..ids import id_at
from .checkpoints import Checkpoint, parse
from .merkle import leaf_of
from .models import audit_sealed_rows, audit_seals

# How far behind the last seal every round looks again: longer than a statement may take (`statement_timeout`), so that
# only a transaction of many long statements, or a host whose clock is wrong, is left to the walk through all of it.
OVERLAP = timedelta(seconds=60)
EXACT_COLUMNS = tuple(exact(column).label(column.name) for column in api_audit_log.c)
_log, _sealed = api_audit_log.c, audit_sealed_rows.c
# A scalar subquery, which both databases run once for each row, by the index: a join might be planned over all of them.
HAS_NO_SEAL = select(_sealed.sequence).where(_sealed.row_id == _log.id).scalar_subquery().is_(None)


def last_checkpoint(session: Session) -> Checkpoint | None:
    """The newest seal.

    Raises:
        ValueError: somebody has changed it.
    """
    newest = select(audit_seals.c.checkpoint).order_by(audit_seals.c.seal.desc()).limit(1)
    line = session.execute(newest).scalar_one_or_none()
    return None if line is None else parse(line)


def unsealed_since(session: Session, moment: datetime | None, limit: int) -> list[str]:
    """Ids of the oldest committed rows made after this time (None: all) that have no seal. Costs what the range holds.

    An id is made when a call ends, and its time is when it began: between them an upload may take its hour.
    """
    chosen = select(_log.id).where(HAS_NO_SEAL).order_by(_log.id).limit(limit)
    if moment is not None:
        chosen = chosen.where(_log.id > id_at("aud", moment))
    return list(session.execute(chosen).scalars())


def unsealed_before(session: Session, place: str | None, limit: int) -> tuple[list[str], str | None]:
    """One step of a walk from the newest id to the oldest: the rows of `limit` that are in no seal, and the next place.

    None stands for the newest id as `place`, and for the end of the walk in the answer.
    """
    chosen = select(_log.id, HAS_NO_SEAL.label("has_no_seal")).order_by(_log.id.desc()).limit(limit)
    found = session.execute(chosen if place is None else chosen.where(_log.id < place)).all()
    return [row.id for row in found if row.has_no_seal], found[-1].id if len(found) == limit else None


def those_until(session: Session, row_ids: Sequence[str], moment: datetime) -> set[str]:
    """The rows among these that are of this time or before."""
    if not row_ids:
        return set()
    return set(session.execute(select(_log.id).where(_log.id.in_(row_ids), _log.at <= moment)).scalars())


def time_of(session: Session, row_id: str) -> datetime | None:
    """The row's time; None for one that says none that can be read."""
    with suppress(*UNREADABLE), _only_unreadable():
        return session.execute(select(_log.at).where(_log.id == row_id)).scalar_one_or_none()
    return None


def leaves_of(session: Session, row_ids: Sequence[str]) -> dict[str, bytes]:
    """The leaf of each row as it is now; absent for what is gone or cannot be read.

    Somebody may have written what no driver can read, such as text that is no UTF-8: that row alone is left out.
    """
    if not row_ids:
        return {}
    try:
        with _only_unreadable():
            rows = _by_id(session, row_ids)
    except UNREADABLE:
        rows = {}
        for row_id in row_ids:
            with suppress(*UNREADABLE), _only_unreadable():
                rows |= _by_id(session, [row_id])
    return {row_id: leaf_of(row) for row_id, row in rows.items()}


UNREADABLE = (ValueError, DataError)


@contextmanager
def _only_unreadable() -> Iterator[None]:
    """Tell SQLite's error about undecodable text, which has no class of its own, from that of a lost database."""
    try:
        yield
    except OperationalError as error:
        if "decode" not in str(error.orig):
            raise
        raise ValueError(str(error.orig)) from None


def _by_id(session: Session, row_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    rows = session.execute(select(*EXACT_COLUMNS).where(_log.id.in_(row_ids))).mappings()
    return {row["id"]: dict(row) for row in rows}


def checkpoints_after(session: Session, seal: int, limit: int) -> list[tuple[int, str]]:
    """The next seals after this one: number and line."""
    chosen = select(audit_seals).where(audit_seals.c.seal > seal).order_by(audit_seals.c.seal).limit(limit)
    return [(row.seal, row.checkpoint) for row in session.execute(chosen)]


def line_of(session: Session, seal: int) -> str | None:
    """The checkpoint of one seal."""
    chosen = select(audit_seals.c.checkpoint).where(audit_seals.c.seal == seal)
    return session.execute(chosen).scalar_one_or_none()


def first_seal_since(session: Session, moment: datetime) -> int:
    """The first seal that was made at this time or after it, by halving: 1 more than there are when none was."""
    low, high = 1, int(session.execute(select(func.max(audit_seals.c.seal))).scalar() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        try:
            is_before = parse(line_of(session, middle) or "").at < moment
        except ValueError:
            is_before = False
        low, high = (middle + 1, high) if is_before else (low, middle)
    return low


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row is in the chain. See `audit_sealed_rows`."""

    sequence: int
    row_id: str
    leaf: bytes
    pruned_by: int | None


_PLACES = select(_sealed.sequence, _sealed.row_id, _sealed.leaf, _sealed.pruned_by).order_by(_sealed.sequence)


def places_between(session: Session, first: int, last: int) -> list[Place]:
    """The places from `first` to `last`, in order."""
    chosen = _PLACES.where(_sealed.sequence.between(first, last))
    return [Place(*row) for row in session.execute(chosen)]


def places_pruned_by(session: Session, seal: int, limit: int) -> list[Place]:
    """The places whose rows this seal records as pruned, in order."""
    return [Place(*row) for row in session.execute(_PLACES.where(_sealed.pruned_by == seal).limit(limit))]


def places_past(session: Session, size: int) -> Place | None:
    """The first place past that many."""
    row = session.execute(_PLACES.where(_sealed.sequence > size).limit(1)).first()
    return None if row is None else Place(*row)


def unsealed_between(
    session: Session, since: datetime | None, until: datetime, place: str | None, limit: int
) -> tuple[list[str], str | None]:
    """One step of a walk over the ids: of `limit` rows those of these times that are in no seal, and the next place."""
    within = _log.at <= until if since is None else _log.at.between(since, until)
    chosen = select(_log.id, (within & HAS_NO_SEAL).label("is_wanted")).order_by(_log.id).limit(limit)
    found = session.execute(chosen if place is None else chosen.where(_log.id > place)).all()
    return [row.id for row in found if row.is_wanted], found[-1].id if len(found) == limit else None
