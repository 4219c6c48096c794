"""How an endpoint stands: failures in a row, the breaker and its probes, pauses that the receiver asks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.webhooks.health import BREAKS_AFTER, PAUSE_JITTER, PAUSES, Ended, Health, after, is_given_up
from tests.support.clock import NOON

OK, FAILED = Ended(delivered=True), Ended(delivered=False, status_code=500)


def failed(times: int, health: Health | None = None) -> Health:
    return after(health or Health(), [FAILED] * times, NOON, lambda: 0.5)


def test_it_works() -> None:
    assert after(Health(), [OK, OK], NOON) == Health()
    health = failed(2)
    assert (health.failures_in_a_row, health.failing_since, health.breaker) == (2, NOON, "closed")
    assert after(health, [OK], NOON) == Health()


def test_the_breaker_opens_after_so_many_failures_in_a_row() -> None:
    assert failed(BREAKS_AFTER - 1).breaker == "closed"
    health = failed(BREAKS_AFTER)
    assert (health.breaker, health.failing_told) == ("open", True)
    assert health.paused_until == NOON + timedelta(seconds=PAUSES[0])


def test_what_was_on_its_way_when_it_opened_says_nothing_new() -> None:
    health = failed(BREAKS_AFTER)
    assert failed(30, health) == health


@pytest.mark.parametrize("probes", range(1, len(PAUSES) + 3))
def test_each_probe_that_fails_opens_it_for_longer(probes: int) -> None:
    health = failed(BREAKS_AFTER)
    for _ in range(probes):
        health = failed(1, Health(health.failures_in_a_row, NOON, True, "half_open", NOON))
    assert health.breaker == "open"
    assert health.paused_until == NOON + timedelta(seconds=PAUSES[min(probes, len(PAUSES) - 1)])


def test_a_probe_that_succeeds_closes_it() -> None:
    assert after(Health(10, NOON, True, "half_open", NOON), [OK], NOON) == Health()


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_asks_for_a_pause_gets_it(status: int) -> None:
    slow = Ended(delivered=False, status_code=status, retry_after=120)
    health = after(Health(), [slow], NOON)
    assert (health.paused_until, health.breaker) == (NOON + timedelta(seconds=120), "closed")
    assert after(health, [Ended(False, 1, status, 5)], NOON).paused_until == NOON + timedelta(seconds=120)
    assert after(Health(), [Ended(False, 1, status, 10**8)], NOON).paused_until == NOON + timedelta(hours=1)
    assert after(Health(), [Ended(False, 1, 500, 120)], NOON).paused_until is None


def test_a_delivery_that_failed_for_the_fourth_time_is_told_of() -> None:
    assert not after(Health(), [Ended(False, 3)], NOON).failing_told
    assert after(Health(), [Ended(False, 4)], NOON).failing_told


@pytest.mark.parametrize(
    ("since", "limit", "given_up"),
    [(5, 5, True), (4.99, 5, False), (9, None, False), (None, 5, False)],
)
def test_it_is_given_up_after_so_many_days(since: float | None, limit: int | None, given_up: bool) -> None:
    health = Health(failing_since=None if since is None else NOON - timedelta(days=since))
    assert is_given_up(health, NOON, None if limit is None else timedelta(days=limit)) is given_up


FAILURES = st.builds(
    Ended, st.just(False), st.integers(1, 10), st.sampled_from([None, 429, 500, 503]), st.none() | st.integers(0, 10**6)
)


@given(ends=st.lists(st.just(OK) | FAILURES, max_size=60), draw=st.floats(0, 1, exclude_max=True))
def test_whatever_happens(ends: Sequence[Ended], draw: float) -> None:
    health = after(Health(), ends, NOON, lambda: draw)
    if ends and ends[-1].delivered:
        assert health == Health()
    assert (health.breaker == "open") <= (health.failures_in_a_row >= BREAKS_AFTER)
    assert (health.failing_since is None) == (health.failures_in_a_row == 0)
    most = max(3600, PAUSES[-1] * (1 + PAUSE_JITTER))
    assert health.paused_until is None or NOON <= health.paused_until <= NOON + timedelta(seconds=most)
