"""Deleting what the audit need not keep any longer: a little at a time, so that no call waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from domain.audit.retention import end_of_range, prune_range
from domain.crypto import Keyring
from domain.db import Database
from domain.seals.queries import last_checkpoint

# Entries looked at in one transaction: on SQLite it keeps every other writer waiting, for some ten milliseconds.
BATCH = 500


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
