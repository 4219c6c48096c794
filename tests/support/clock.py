"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class StoppedClock:
    """The `Clock` port. `now` may be set."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **time: float) -> datetime:
        """Move on, as `timedelta` counts; the new time."""
        self.now += timedelta(**time)
        return self.now
