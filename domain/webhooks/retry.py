"""When to try again, and what an answer means: pure functions over a schedule from configuration."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

JITTER = 0.1  # of the wait, either way
LONGEST_RETRY_AFTER = 3600


class Verdict(StrEnum):
    """What becomes of a delivery after an attempt."""

    DELIVERED = "delivered"
    RETRY = "retry"
    GONE = "gone"  # 410: the receiver asks for no more; the webhook is disabled


def judge(status_code: int | None) -> Verdict:
    """2xx is success, 410 ends the subscription, all else (None: no answer; redirects too) is a failure."""
    if status_code is None:
        return Verdict.RETRY
    if 200 <= status_code < 300:
        return Verdict.DELIVERED
    return Verdict.GONE if status_code == 410 else Verdict.RETRY


@dataclass(frozen=True, slots=True)
class Schedule:
    """Seconds to wait before each attempt; the first is nearly always 0.

    Attributes:
        waits: one for each attempt.
        draw: a random number in [0, 1).
    """

    waits: Sequence[int]
    draw: Callable[[], float] = random.random

    def next_attempt(self, attempts: int, now: datetime, retry_after: int | None = None) -> datetime | None:
        """When to make the next attempt after `attempts` failed ones; None when the schedule is exhausted.

        `retry_after` (seconds, from the receiver) postpones it, by an hour at most.
        """
        if attempts >= len(self.waits):
            return None
        wait = self.waits[attempts] * (1 + JITTER * (2 * self.draw() - 1))
        if retry_after is not None:
            wait = max(wait, min(retry_after, LONGEST_RETRY_AFTER))
        return now + timedelta(seconds=wait)
