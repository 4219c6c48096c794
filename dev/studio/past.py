"""Moments that lie behind us, and ids that sort among them."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from random import Random

from domain.ids import ALPHABET, LENGTH

# How busy the studio is in each hour of the day, UTC.
BUSY = (1, 1, 1, 1, 1, 2, 4, 9, 15, 19, 19, 16, 11, 16, 19, 18, 15, 11, 6, 4, 3, 3, 2, 1)
CANDIDATES = 4


class Past:
    """Draws moments. Its own random numbers, so that what the studio contains does not depend on the time of day."""

    def __init__(self, now: datetime, rng: Random) -> None:
        self.now = now
        self._rng = rng

    def between(self, oldest: datetime, newest: datetime) -> datetime:
        """A moment between these two, more likely in working hours."""
        span = (newest - oldest).total_seconds()
        drawn = [oldest + timedelta(seconds=self._rng.uniform(0, span)) for _ in range(CANDIDATES)]
        chosen = self._rng.choices(drawn, [BUSY[moment.hour] for moment in drawn])[0]
        return cut(chosen)

    def ago(self, **span: float) -> datetime:
        """That long before now, as `timedelta` counts."""
        return cut(self.now - timedelta(**span))


def cut(moment: datetime) -> datetime:
    """Cut to milliseconds, as every stored time is."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def past_id(prefix: str, moment: datetime) -> str:
    """An id such as `domain.ids.new_id` would have made at that moment."""
    chance = secrets.randbits(12) << 64 | secrets.randbits(62)
    number = int(moment.timestamp() * 1000) << 80 | 0x7 << 76 | 0b10 << 62 | chance
    return f"{prefix}_" + "".join(ALPHABET[number >> 5 * place & 31] for place in range(LENGTH - 1, -1, -1))
