"""Which events a replay is about, said in SQL; always for a stretch of events, never for all there are at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, true

from ..db import Session
from ..deliveries.matching import is_wanted
from ..deliveries.models import webhook_deliveries
from ..events.catalogue import types_of
from ..events.models import events
from ..webhooks.models import webhooks

STATUSES = ("failed", "missing")
NOT_DELIVERED = ("failed", "cancelled")
# Events looked at by one statement, whatever comes of them.
STRETCH = 5000
# `seq` is taken a little before or after others that have the same time: so many events aside are looked at, too.
ASIDE = 5000


@dataclass(frozen=True, slots=True)
class Selection:
    """What was asked for.

    Attributes:
        since: events from this moment on.
        until: events before this moment.
        event_types: patterns; None: every type the webhook is subscribed to.
        status: `failed`: events of which every delivery failed or was cancelled; `missing`: those that never had one;
            None: all.
        known_since: deliveries of events before it may have been deleted, so that it is not known whether these are
            missing, unless they are older than the webhook; None: all are kept.
    """

    webhook_id: str
    since: datetime
    until: datetime
    event_types: Sequence[str] | None = None
    status: str | None = None
    known_since: datetime | None = None

    def condition(self) -> ColumnElement[bool]:
        """That the row of `events` is to be sent to the row of `webhooks`. Tests are sent to nobody twice."""
        chosen = [
            webhooks.c.id == self.webhook_id,
            events.c.created_at >= self.since,
            events.c.created_at < self.until,
            ~events.c.is_test,
            is_wanted(),
        ]
        if self.event_types is not None:
            chosen.append(events.c.type.in_(types_of(self.event_types)))
        if self.status == "failed":
            chosen += [_has_delivery(NOT_DELIVERED, True), ~_has_delivery(NOT_DELIVERED, False)]
        if self.status == "missing":
            chosen.append(~_has_delivery((), False))
            if self.known_since is not None:
                never = events.c.created_at < webhooks.c.created_at
                chosen.append(or_(events.c.created_at >= self.known_since, never))
        return and_(*chosen)


def _has_delivery(statuses: Sequence[str], among: bool) -> ColumnElement[bool]:
    """Whether the event has a delivery to the webhook whose status is, or is not, among these."""
    earlier = webhook_deliveries.alias("earlier")
    found = earlier.c.status.in_(statuses) if among else earlier.c.status.not_in(statuses)
    chosen = select(true()).where(earlier.c.event_id == events.c.id, earlier.c.webhook_id == webhooks.c.id, found)
    return chosen.correlate(events, webhooks).exists()


def bounds(session: Session, since: datetime, until: datetime) -> tuple[int, int]:
    """The events of a time are behind the first `seq` and not behind the second: two steps down an index."""
    moments = events.c.created_at
    first = select(events.c.seq).where(moments >= since).order_by(moments, events.c.seq).limit(1)
    last = select(events.c.seq).where(moments < until).order_by(moments.desc(), events.c.seq.desc()).limit(1)
    found = (session.execute(first).scalar(), session.execute(last).scalar())
    if found[0] is None or found[1] is None:
        return 0, 0
    return max(found[0] - ASIDE, 1) - 1, found[1] + ASIDE


def stretch(after: int, until: int) -> ColumnElement[bool]:
    """That the event is behind `after` and not behind `until`."""
    return and_(events.c.seq > after, events.c.seq <= until)


def count_events(session: Session, selection: Selection) -> int:
    """How many events it is about, now: one short statement for each stretch of them."""
    after, last = bounds(session, selection.since, selection.until)
    counted = select(func.count()).select_from(events.join(webhooks, true())).where(selection.condition())
    total = 0
    while after < last:
        total += int(session.execute(counted.where(stretch(after, after + STRETCH))).scalar_one())
        after += STRETCH
    return total
