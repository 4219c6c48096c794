"""How long events, deliveries and what their attempts said are kept, and the one place that deletes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select, true, update

from .. import ranges
from ..access import SYSTEM
from ..audit.commands import note_action
from ..db import Session
from ..events.models import events
from ..events.positions import note_pruned
from .models import webhook_attempts, webhook_deliveries


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept for some time.

    Attributes:
        action: what the audit trail calls its deletion.
        moment: its time, which has an index.
        forget: deletes what of it is in a range of time; how much that was.
        is_replayed: whether a replay that runs may need it still.
    """

    action: str
    moment: ColumnElement[Any]
    forget: Callable[[Session, ColumnElement[bool]], int]
    is_replayed: bool = True


def within(column: ColumnElement[Any], start: datetime | None, end: datetime) -> ColumnElement[bool]:
    """From `start` on (None: the first there is) and before `end`."""
    return (true() if start is None else column >= start) & (column < end)


def prune(session: Session, kept: Kept, start: datetime | None, end: datetime, now: datetime) -> None:
    """Delete what is in the range. That it was done is written into the trail in the same transaction."""
    count = kept.forget(session, within(kept.moment, start, end))
    if count:
        note_action(session, SYSTEM, "system", kept.action, now, changes=ranges.told(start, end, count))


def _forget_bodies(session: Session, chosen: ColumnElement[bool]) -> int:
    table, nothing = webhook_attempts, {"request_headers": {}, "response_headers": {}, "response_body": ""}
    is_there = or_(*(table.c[name] != value for name, value in nothing.items()))
    return session.execute(update(table).where(chosen, is_there).values(**nothing)).rowcount


def _delete_deliveries(session: Session, chosen: ColumnElement[bool]) -> int:
    """Their attempts go with them."""
    table = webhook_deliveries
    return session.execute(delete(table).where(chosen, table.c.status.not_in(("pending", "sending")))).rowcount


def _delete_events(session: Session, chosen: ColumnElement[bool]) -> int:
    """Those that no delivery is left of: one that is still to be sent needs its body, one that is shown does, too."""
    sent = select(true()).where(webhook_deliveries.c.event_id == events.c.id).correlate(events).exists()
    forgotten = session.execute(delete(events).where(chosen, ~sent).returning(events.c.position)).scalars().all()
    note_pruned(session, forgotten)
    return len(forgotten)


BODIES = Kept("attempt.prune", webhook_attempts.c.started_at, _forget_bodies, is_replayed=False)
DELIVERIES = Kept("delivery.prune", webhook_deliveries.c.created_at, _delete_deliveries)
EVENTS = Kept("event.prune", events.c.created_at, _delete_events)
