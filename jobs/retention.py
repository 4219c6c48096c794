"""Deleting what the audit need not keep any longer: a little at a time, so that no call waits for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from domain.audit.retention import delete_range, end_of_range
from domain.db import Database, Session

# Entries looked at in one transaction: on SQLite it keeps every other writer waiting, for some ten milliseconds.
BATCH = 500

# How far the trail may be deleted at all, as a sealer knows it; None: not at all yet.
Bound = Callable[[Session, datetime], datetime | None]


def everything(_session: Session, now: datetime) -> datetime:
    """The bound of a trail that nobody seals."""
    return now


class AuditPruner:
    """Goes through the trail from its beginning, once for each class that is not kept for ever, and then follows time.

    Where it is, only the process knows: after a start it goes through what is left once more.
    """

    def __init__(self, database: Database, days: Mapping[str, int], bound: Bound = everything) -> None:
        self._database = database
        self._days = {class_: timedelta(days=count) for class_, count in days.items() if count}
        self._bound = bound
        self._reached: dict[str, datetime] = {}

    def step(self, now: datetime) -> bool:
        """One batch of each class; whether there is more to do."""
        more = [self._step(class_, now) for class_ in self._days]
        return any(more)

    def _step(self, class_: str, now: datetime) -> bool:
        start = self._reached.get(class_)
        with self._database.reading() as session:
            sealed = self._bound(session, now)
            if sealed is None:
                return False
            bound = min(sealed, now - self._days[class_])
            if start is not None and start >= bound:
                return False
            end = end_of_range(session, start, bound, BATCH)
        with self._database.transaction() as session:
            delete_range(session, class_, start, end, now)
        self._reached[class_] = end
        return end < bound
