"""When a delivery is tried again, and what an answer means."""

from __future__ import annotations

from datetime import timedelta

import pytest

from config import Settings
from domain.webhooks.retry import LONGEST_RETRY_AFTER, Schedule, Verdict, judge
from tests.support.clock import NOON

WAITS = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)


def waits(draw: float) -> list[float]:
    """Seconds before each attempt under this draw."""
    schedule = Schedule(WAITS, lambda: draw)
    times = [schedule.next_attempt(attempts, NOON) for attempts in range(len(WAITS))]
    return [(time - NOON).total_seconds() for time in times if time is not None]


def test_it_works() -> None:
    assert waits(0.5) == list(WAITS)


def test_it_is_the_schedule_by_default(tmp_path: object) -> None:
    assert Settings.from_env({"CALLSHEET_HOME": str(tmp_path)}).webhook_schedule == WAITS


@pytest.mark.parametrize("draw", [0.0, 0.25, 0.999999])
def test_it_moves_every_wait_by_a_tenth_at_most(draw: float) -> None:
    for wait, drawn in zip(WAITS, waits(draw), strict=True):
        assert drawn == pytest.approx(wait * (0.9 + 0.2 * draw))


def test_it_ends() -> None:
    assert Schedule(WAITS).next_attempt(len(WAITS), NOON) is None
    assert Schedule((0,)).next_attempt(1, NOON) is None


@pytest.mark.parametrize(
    ("retry_after", "expected"), [(0, 5), (3, 5), (60, 60), (LONGEST_RETRY_AFTER, 3600), (999_999_999, 3600)]
)
def test_it_waits_as_long_as_the_receiver_asks_within_an_hour(retry_after: int, expected: int) -> None:
    again = Schedule(WAITS, lambda: 0.5).next_attempt(1, NOON, retry_after)
    assert again == NOON + timedelta(seconds=expected)


def test_it_does_not_come_sooner_because_the_receiver_asks() -> None:
    assert Schedule(WAITS, lambda: 0.5).next_attempt(4, NOON, 10) == NOON + timedelta(seconds=7200)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_success_is_delivered(status: int) -> None:
    assert judge(status) is Verdict.DELIVERED


@pytest.mark.parametrize(
    "status", [None, 100, 300, 301, 302, 304, 307, 308, 400, 401, 404, 408, 409, 429, 500, 503, 599]
)
def test_all_else_is_tried_again(status: int | None) -> None:
    assert judge(status) is Verdict.RETRY


def test_gone_ends_it() -> None:
    assert judge(410) is Verdict.GONE
