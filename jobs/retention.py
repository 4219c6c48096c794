"""Deleting what need not be kept any longer: a little at a time, so that no call waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from domain import ranges
from domain.audit.retention import end_of_range, prune_range
from domain.crypto import Keyring
from domain.db import Database
from domain.deliveries.retention import BODIES, DELIVERIES, EVENTS, Kept, prune
from domain.replays.queries import earliest_since
from domain.seals.queries import last_checkpoint

# Entries looked at in one transaction: on SQLite it keeps every other writer waiting, for some ten milliseconds.
BATCH = 500
AGAIN = timedelta(days=1)


class _Days(Protocol):
    @property
    def attempt_body_days(self) -> int: ...
    @property
    def delivery_days(self) -> int: ...
    @property
    def event_days(self) -> int: ...


class AuditPruner:
    """Goes through the trail from its beginning, once for each class that is not kept for ever, and then follows time.

    It stays behind the sealer. Where it is, only the process knows: after a start it goes through what is left once
    more.
    """

    def __init__(self, database: Database, keyring: Keyring, days: Mapping[str, int]) -> None:
        self._database = database
        self._keyring = keyring
        self._days = {class_: timedelta(days=count) for class_, count in days.items() if count}
        self._reached: dict[str, datetime] = {}

    def step(self, now: datetime) -> bool:
        """One batch of each class; whether there is more to do at once."""
        more = [self._step(class_, now) for class_ in self._days]
        return any(more)

    def _step(self, class_: str, now: datetime) -> bool:
        start = self._reached.get(class_)
        with self._database.reading() as session:
            last = last_checkpoint(session)
            if last is None:
                return False
            bound = min(last.until, now - self._days[class_])
            if start is not None and start >= bound:
                return False
            end = end_of_range(session, start, bound, BATCH)
        with self._database.transaction() as session:
            if not prune_range(session, self._keyring, class_, start, end, now):
                return False
        self._reached[class_] = end
        return end < bound


class _Walk:
    """Goes through one of the tables up to what is still kept, follows time, and once a day begins anew.

    What could not be deleted when it came by, an open delivery or its event, is found the next day.
    """

    def __init__(self, database: Database, kept: Kept, days: int) -> None:
        self._database = database
        self._kept = kept
        self._days = timedelta(days=days)
        self._began: datetime | None = None
        self._reached: datetime | None = None

    def step(self, now: datetime) -> bool:
        """One batch; whether there is more to do at once."""
        if not self._days:
            return False
        if self._began is None or now - self._began >= AGAIN:
            self._began, self._reached = now, None
        with self._database.reading() as session:
            bound = self._bound(now, earliest_since(session) if self._kept.is_replayed else None)
            if self._reached is not None and self._reached >= bound:
                return False
            end = ranges.end_of_range(session, self._kept.moment, self._reached, bound, BATCH)
        with self._database.transaction() as session:
            prune(session, self._kept, self._reached, end, now)
        self._reached = end
        return end < bound

    def _bound(self, now: datetime, needed: datetime | None) -> datetime:
        return now - self._days if needed is None else min(now - self._days, needed)


class DeliveryPruner:
    """Bodies of attempts first, for they are most; then deliveries, and the events that these leave behind."""

    def __init__(self, database: Database, settings: _Days) -> None:
        days = (
            (BODIES, settings.attempt_body_days),
            (DELIVERIES, settings.delivery_days),
            (EVENTS, settings.event_days),
        )
        self._walks = [_Walk(database, kept, count) for kept, count in days]

    def step(self, now: datetime) -> bool:
        """One batch of each; whether there is more to do at once."""
        more = [walk.step(now) for walk in self._walks]
        return any(more)
