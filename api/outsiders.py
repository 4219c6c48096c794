"""Counting, in one process, the calls that an allowlist on trial would refuse, so that few of them write."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock

WRITE_EVERY = timedelta(minutes=1)
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Seen:
    """Calls of one address with one key that are not written yet.

    Attributes:
        since: the first of them.
        due: when the next call writes them.
    """

    since: datetime
    due: datetime
    calls: int


class Outsiders:
    """By key and address."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], Seen] = {}
        self._lock = Lock()

    def add(self, key_id: str, address: str, now: datetime) -> Seen | None:
        """Count a call; what is to be written now, at most once a minute for each key and address."""
        with self._lock:
            before = self._seen.get((key_id, address), Seen(now, now, 0))
            seen = replace(before, since=before.since if before.calls else now, calls=before.calls + 1)
            is_due = seen.due <= now
            if len(self._seen) >= MOST_COUNTED:
                self._seen.clear()  # a minute's counts are lost: they are told as about so many
            self._seen[key_id, address] = Seen(now, now + WRITE_EVERY, 0) if is_due else seen
            return seen if is_due else None
