"""How long events, deliveries and what their attempts said are kept, and the one place that deletes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select, true, update

from ..db import Session
from ..events.models import events
from ..events.positions import note_pruned
from .models import webhook_attempts, webhook_deliveries


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept for some time.

    Attributes:
        moment: its time, which has an index.
        forget: deletes what of it is in a range of time.
        is_replayed: whether a replay that runs may need it still.
    """

    moment: ColumnElement[Any]
    forget: Callable[[Session, ColumnElement[bool]], None]
    is_replayed: bool = True


def within(column: ColumnElement[Any], start: datetime | None, end: datetime) -> ColumnElement[bool]:
    """From `start` on (None: the first there is) and before `end`."""
    return (true() if start is None else column >= start) & (column < end)


def _forget_bodies(session: Session, chosen: ColumnElement[bool]) -> None:
    table, nothing = webhook_attempts, {"request_headers": {}, "response_headers": {}, "response_body": ""}
    is_there = or_(*(table.c[name] != value for name, value in nothing.items()))
    session.execute(update(table).where(chosen, is_there).values(**nothing))


def _delete_deliveries(session: Session, chosen: ColumnElement[bool]) -> None:
    """Their attempts go with them."""
    table = webhook_deliveries
    session.execute(delete(table).where(chosen, table.c.status.not_in(("pending", "sending"))))


def _delete_events(session: Session, chosen: ColumnElement[bool]) -> None:
    """Those that no delivery is left of: one that is still to be sent needs its body, one that is shown does, too."""
    sent = select(true()).where(webhook_deliveries.c.event_id == events.c.id).correlate(events).exists()
    forgotten = session.execute(delete(events).where(chosen, ~sent).returning(events.c.position))
    note_pruned(session, forgotten.scalars().all())


BODIES = Kept(webhook_attempts.c.started_at, _forget_bodies, is_replayed=False)
DELIVERIES = Kept(webhook_deliveries.c.created_at, _delete_deliveries)
EVENTS = Kept(events.c.created_at, _delete_events)
