"""What a bucket admits in an hour, which the tests do not wait for: Redis and the database are given the time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest
import redis

from api.limits import MICROS, TAKE, RedisLimiter, Script
from domain.db import Database
from domain.ports import Grant
from jobs.runtime import quick_redis
from tests.api.test_rate_limits import NO_REDIS

START = 1_800_000_000 * MICROS
HOUR, MINUTE = 3600 * MICROS, 60 * MICROS
CLOCK = "test:clock"
# The script that production runs, but for where it takes the time from.
TIMED = TAKE.replace("redis.call('TIME')", f"{{0, redis.call('LPOP', '{CLOCK}')}}")
LIMITS = (1, 7, 59, 100, 119, 1000)
TOGETHER = 5000  # calls in one round trip

# The moments, from the start, of calls of which none is refused: 99 % of the limit, evenly or all at once.
Moments = list[int]


def evenly(per_minute: float, duration: int) -> Moments:
    return [int(number * MINUTE / per_minute) for number in range(int(per_minute * duration / MINUTE))]


def in_bursts(per_minute: int, duration: int) -> Moments:
    count = max(int(per_minute * 0.99), 1)
    return [minute for minute in range(0, duration, MINUTE) for _ in range(count)]


def admitted_by_redis(client: redis.Redis, url: str, size: int, moments: Moments) -> int:
    """How many calls at these moments were let in."""
    script, allowed = Script(quick_redis(url), TIMED), 0
    for first in range(0, len(moments), TOGETHER):
        part = moments[first : first + TOGETHER]
        client.rpush(CLOCK, *(START + moment for moment in part))
        answers = script.run([("test:bucket", "test:epoch", size, 1, size, 0) for _ in part], keys=2)
        allowed += sum(answer[0] for answer in answers)
    return allowed


@pytest.mark.parametrize("limit", LIMITS)
def test_a_caller_just_below_the_limit_is_never_refused(redis_client: redis.Redis, redis_url: str, limit: int) -> None:
    for moments in (evenly(limit * 0.99, HOUR), in_bursts(limit, HOUR)):
        redis_client.flushdb()
        assert admitted_by_redis(redis_client, redis_url, limit, moments) == len(moments)


@pytest.mark.parametrize("limit", LIMITS)
def test_a_caller_at_twice_the_limit_has_the_burst_and_the_limit(
    redis_client: redis.Redis, redis_url: str, limit: int
) -> None:
    admitted = admitted_by_redis(redis_client, redis_url, limit, evenly(limit * 2, HOUR))
    assert abs(admitted - (limit + limit * 60)) <= 1


class Simulated:
    """A limiter whose time the test moves."""

    def __init__(self, limiter: Callable[[Callable[[], float]], RedisLimiter], tick: Callable[[int], object]) -> None:
        self.now = START
        self._tick = tick
        self._limiter = limiter(lambda: self.now / MICROS)

    def take(self, limit: int, cost: int = 1) -> Grant:
        self._tick(self.now)
        return self._limiter.take(f"of {limit}", limit, cost)


@pytest.fixture(params=["redis", "database"])
def simulated(
    request: pytest.FixtureRequest, database: Database, redis_client: redis.Redis, redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Simulated]:  # fmt: skip
    if request.param == "redis":
        monkeypatch.setattr("api.limits.TAKE", TIMED)
        url, tick = redis_url, lambda now: redis_client.rpush(CLOCK, now)
    else:
        url, tick = NO_REDIS, lambda now: now
    yield Simulated(lambda wall: RedisLimiter(quick_redis(url), database, wall), tick)
    assert redis_client.llen(CLOCK) == 0


@pytest.mark.parametrize("limit", [7, 59])
def test_both_count_alike(simulated: Simulated, limit: int) -> None:
    """Ten minutes each: just below the limit, and at twice of it."""
    refused = 0
    for moment in evenly(limit * 0.99, 10 * MINUTE):
        simulated.now = START + moment
        refused += not simulated.take(limit).allowed
    assert refused == 0
    simulated.now += 2 * MINUTE
    start, admitted = simulated.now, 0
    for moment in evenly(limit * 2, 10 * MINUTE):
        simulated.now = start + moment
        admitted += simulated.take(limit).allowed
    assert abs(admitted - (limit + limit * 10)) <= 1


def test_waiting_as_long_as_it_says_is_enough_and_no_longer_than_needed(simulated: Simulated) -> None:
    """For calls of any cost, under any limit, at any fraction of a second."""
    chance = random.Random(4)
    for _ in range(60):
        limit, cost = chance.choice((1, 7, 20, 59, 119, 1000)), chance.choice((1, 1, 3, 20, 500))
        while (grant := simulated.take(limit, cost)).allowed:
            assert 0 <= grant.remaining < limit
            simulated.now += chance.randrange(10_000)
        assert 1 <= grant.retry_after <= 60
        if grant.retry_after > 1:
            simulated.now += (grant.retry_after - 1) * MICROS
            assert not simulated.take(limit, cost).allowed
            simulated.now += MICROS
        else:
            simulated.now += grant.retry_after * MICROS
        assert simulated.take(limit, cost).allowed


def test_a_bucket_is_not_full_again_when_redis_lost_it(simulated: Simulated, redis_client: redis.Redis) -> None:
    assert simulated.take(20, 20).allowed
    redis_client.flushdb()
    simulated.now += 3 * MICROS
    grant = simulated.take(20)
    assert (grant.allowed, grant.remaining) == (True, 0)
    assert not simulated.take(20).allowed
