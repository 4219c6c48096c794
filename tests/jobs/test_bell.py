"""The bell: at most one job waits, listeners hear it, and it is not missed when Redis is away."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import redis
from rq import Queue
from rq.serializers import JSONSerializer

from jobs.queues import DELIVERIES, DRAIN, Bell
from jobs.runtime import quick_redis


def waiting(client: redis.Redis) -> list[str | None]:
    queue = Queue(DELIVERIES, connection=client, serializer=JSONSerializer)
    return [job.func_name for job in queue.jobs]


def test_it_works(bell: Bell, redis_client: redis.Redis) -> None:
    assert bell.ring()
    assert waiting(redis_client) == [DRAIN]


def test_many_rings_are_one_job(bell: Bell, redis_client: redis.Redis) -> None:
    for _ in range(50):
        bell.ring()
    assert waiting(redis_client) == [DRAIN]


def test_those_who_ring_together_ring_after_the_last_of_them(bell: Bell, redis_client: redis.Redis) -> None:
    """Whoever has rung has been heard, however many ring at once."""
    with bell.listening() as wait, ThreadPoolExecutor(16) as pool:
        assert all(pool.map(lambda _: bell.ring(), range(200)))
        assert wait(5)
        while wait(0):
            pass
        assert bell.ring()
        assert wait(5)
    assert waiting(redis_client) == []


def test_it_rings_after_redis_has_forgotten_how(bell: Bell, redis_client: redis.Redis) -> None:
    bell.ring()
    bell.answer()
    redis_client.script_flush()
    assert bell.ring()
    assert waiting(redis_client) == [DRAIN, DRAIN]


def test_after_an_answer_the_next_ring_is_a_job_again(bell: Bell, redis_client: redis.Redis) -> None:
    bell.ring()
    bell.answer()
    bell.ring()
    assert waiting(redis_client) == [DRAIN, DRAIN]


def test_the_job_carries_nothing(bell: Bell, redis_client: redis.Redis) -> None:
    bell.ring()
    (job,) = Queue(DELIVERIES, connection=redis_client, serializer=JSONSerializer).jobs
    assert (list(job.args), dict(job.kwargs)) == ([], {})


def test_a_listener_hears_it_and_no_job_is_made(bell: Bell, redis_client: redis.Redis) -> None:
    with bell.listening() as wait:
        bell.ring()
        assert wait(5)
        assert not wait(0)
    assert waiting(redis_client) == []


def test_nobody_hears_it_after_listening(bell: Bell, redis_client: redis.Redis) -> None:
    with bell.listening():
        pass
    bell.ring()
    assert waiting(redis_client) == [DRAIN]


def test_without_redis_it_says_so() -> None:
    bell = Bell(quick_redis("redis://127.0.0.1:9/0"))
    assert not bell.ring()
    bell.answer()
    bell.call()
