"""Taking a target under a lease, and recording what came of it. No transaction is open while a socket is."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, literal, update

from ..db import Session
from ..inserting import insert_ignoring_conflict
from .models import audit_forwards

# Longer than a batch can take (20 s in all), so that only a dead or frozen sender's lease runs out.
LEASE = timedelta(seconds=60)
LONGEST_WAIT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Taken:
    """A target under this sender's lease: what comes after `sequence` is to be sent."""

    target: str
    sequence: int
    failures: int
    token: str


def register_targets(session: Session, targets: Sequence[str], now: datetime) -> None:
    """Begin with each new target at the first row there is; forget those that are configured no longer."""
    session.execute(delete(audit_forwards).where(audit_forwards.c.target.not_in(targets)))
    for target in targets:
        row = {"target": target, "sequence": 0, "due_at": now, "failures": 0}
        insert_ignoring_conflict(session, audit_forwards, row)


def take_target(session: Session, target: str, now: datetime) -> Taken | None:
    """The target under a lease; None while it waits after a failure, or somebody else is sending to it."""
    token, table = uuid.uuid4().hex, audit_forwards
    taken = (
        update(table)
        .where(table.c.target == target, table.c.due_at <= now)
        .values(due_at=now + LEASE, lease_token=token)
        .returning(table.c.sequence, table.c.failures)
    )
    row = session.execute(taken).first()
    return None if row is None else Taken(target, row.sequence, row.failures, token)


def note_sent(session: Session, taken: Taken, sequence: int, now: datetime, *, more: bool) -> bool:
    """Move the cursor; `more` keeps the lease for the next batch. False when the lease was lost: nothing changes."""
    changes = {"sequence": sequence, "failures": 0, "failing_since": None, "error": None}
    return _finish(session, taken, changes, due_at=now + LEASE if more else now)


def note_failed(session: Session, taken: Taken, error: str, now: datetime) -> timedelta:
    """Wait before the next try, twice as long after each failure; how long."""
    wait = min(timedelta(seconds=2 ** min(taken.failures, 10)), LONGEST_WAIT)
    column = audit_forwards.c.failing_since
    since = func.coalesce(column, literal(now, column.type))
    changes = {"failures": taken.failures + 1, "failing_since": since, "error": error[:500]}
    _finish(session, taken, changes, due_at=now + wait)
    return wait


def _finish(session: Session, taken: Taken, changes: Mapping[str, object], due_at: datetime) -> bool:
    table = audit_forwards
    mine = (table.c.target == taken.target, table.c.lease_token == taken.token)
    return session.execute(update(table).where(*mine).values(**changes, due_at=due_at)).rowcount == 1
