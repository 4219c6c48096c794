"""The bell: an RQ job with no payload that wakes a worker. The database is the truth; a lost bell costs seconds."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from domain.grouping import Grouped

DELIVERIES = "deliveries"
DRAIN = "jobs.worker.drain"
PREVIEWS = "previews"
DRAW = "jobs.worker.draw"
GUARD = "callsheet:bell"
CHANNEL = "callsheet:rings"
# In one round trip: tell whoever listens; where nobody does, whether a job is to be made, for none is waiting.
RING = """
if redis.call('PUBLISH', ARGV[1], '') > 0 then return 0 end
return redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[2]) and 1 or 0
"""
REDIS_ANSWERS_WITHIN = 1.0
GUARD_SECONDS = 10
JOB_SECONDS = 180

log = logging.getLogger("callsheet.bell")


class Caller:
    """Calls a worker of one queue, by a job without payload, of which at most one waits.

    Args:
        redis: a client with short timeouts; it must not decode responses.
        job: the function that the worker runs.
        guard: the key in Redis that says that such a job is waiting.
    """

    def __init__(self, redis: Redis, queue: str, job: str, guard: str) -> None:
        self._redis = redis
        self._queue = Queue(queue, connection=redis, serializer=JSONSerializer)
        self._job, self._guard = job, guard

    def call(self) -> bool:
        """Wake another worker, unless a job that nobody has taken yet is waiting. False when Redis is away."""
        try:
            if self._redis.set(self._guard, "1", nx=True, ex=GUARD_SECONDS):
                self._enqueue()
        except RedisError as error:
            log.warning("no other worker could be called: %s", error)
            return False
        return True

    def _enqueue(self) -> None:
        self._queue.enqueue(self._job, job_timeout=JOB_SECONDS, result_ttl=0, failure_ttl=3600, ttl=600)

    def answer(self) -> None:
        """Say that a worker is about to look: whoever rings from now on wants another look."""
        try:
            self._redis.delete(self._guard)
        except RedisError:
            log.warning("the bell's guard could not be cleared; it goes by itself in %s s", GUARD_SECONDS)


def preview_caller(redis: Redis) -> Caller:
    """Calls a worker that draws previews."""
    return Caller(redis, PREVIEWS, DRAW, f"{GUARD}:{PREVIEWS}")


class Bell(Caller):
    """Rings for waiting deliveries: a worker that listens hears it at once, else an RQ job wakes one.

    At most one such job waits in the queue.

    Args:
        redis: a client with short timeouts; it must not decode responses.
    """

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis, DELIVERIES, DRAIN, GUARD)
        self._script = redis.register_script(RING)
        # What was committed before a ring is found by whoever hears it: those who come together ring once.
        self._rings: Grouped[None, None] = Grouped(self._ring)

    def ring(self) -> bool:
        """Tell whoever listens, or wake a worker. False when Redis is away."""
        try:
            self._rings.run(None)
        except RedisError as error:
            log.warning("the bell could not be rung: %s", error)
            return False
        return True

    def _ring(self, ringing: Sequence[None]) -> Sequence[None]:
        if self._script(keys=[GUARD], args=[CHANNEL, GUARD_SECONDS]):
            self._enqueue()
        return ringing

    @contextmanager
    def listening(self) -> Iterator[Callable[[float], bool]]:
        """Hear every ring from here on: gives a function that waits for one, for that many seconds.

        Whoever stops listening must `call` afterwards, as `ears` does.
        """
        channel = self._redis.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # redis'
        try:
            channel.subscribe(CHANNEL)
            channel.get_message(timeout=REDIS_ANSWERS_WITHIN)  # the confirmation: from now on `ring` counts us
            yield lambda seconds: channel.get_message(timeout=seconds) is not None
        finally:
            channel.close()
