"""How an endpoint stands after its deliveries ended: pure functions over its failures, breaker and pauses.

The circuit breaker opens after `BREAKS_AFTER` failures in a row. While it is open nothing is sent; when its pause is
over one delivery probes the endpoint: a success closes it, a failure opens it for longer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .retry import LONGEST_RETRY_AFTER

BREAKS_AFTER = 10
PAUSES = (30, 60, 120, 300, 600, 900)  # seconds, the last of them again and again
PAUSE_JITTER = 0.1
TELLS_AT_ATTEMPT = 4  # of one delivery: by then it has failed for half an hour
SLOW_DOWN = (429, 503)
DISABLED_REASONS = ("gone", "exhausted")  # why Callsheet disables: a 410, or failures for too long


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt as far as its endpoint's health is concerned."""

    delivered: bool
    attempt: int = 1
    status_code: int | None = None
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """What is kept of an endpoint; the columns of `webhooks` of the same names."""

    failures_in_a_row: int = 0
    failing_since: datetime | None = None
    failing_told: bool = False
    breaker: str = "closed"
    paused_until: datetime | None = None

    @property
    def is_well(self) -> bool:
        return self == Health()


def after(health: Health, ended: Iterable[Ended], now: datetime, draw: Callable[[], float] = random.random) -> Health:
    """The health after these attempts, in the order they ended. `draw`: a random number in [0, 1)."""
    for one in ended:
        health = Health() if one.delivered else _after_failure(health, one, now, draw)
    return health


def _after_failure(health: Health, ended: Ended, now: datetime, draw: Callable[[], float]) -> Health:
    failing = replace(
        health,
        failures_in_a_row=health.failures_in_a_row + 1,
        failing_since=health.failing_since or now,
        failing_told=health.failing_told or ended.attempt >= TELLS_AT_ATTEMPT,
    )
    if health.breaker == "open":  # it was on its way before the breaker opened, and says nothing new
        return replace(failing, failures_in_a_row=health.failures_in_a_row)
    if ended.status_code in SLOW_DOWN and ended.retry_after is not None:
        until = now + timedelta(seconds=min(ended.retry_after, LONGEST_RETRY_AFTER))
        return replace(failing, paused_until=max(until, health.paused_until or until))
    if failing.failures_in_a_row < BREAKS_AFTER and health.breaker == "closed":
        return failing
    wait = PAUSES[min(max(failing.failures_in_a_row - BREAKS_AFTER, 0), len(PAUSES) - 1)]
    pause = timedelta(seconds=wait * (1 + PAUSE_JITTER * (2 * draw() - 1)))
    return replace(failing, breaker="open", paused_until=now + pause, failing_told=True)


def is_given_up(health: Health, now: datetime, disable_after: timedelta | None) -> bool:
    """Whether it has failed for so long, without one success, that nothing more is sent. None: that is never so."""
    return (
        disable_after is not None and health.failing_since is not None and now - health.failing_since >= disable_after
    )
