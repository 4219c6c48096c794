"""The bell: an RQ job with no payload that wakes a worker. The database is the truth; a lost bell costs seconds."""

from __future__ import annotations

import logging

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

DELIVERIES = "deliveries"
DRAIN = "jobs.worker.drain"
GUARD = "callsheet:bell"
GUARD_SECONDS = 10
JOB_SECONDS = 180

log = logging.getLogger("callsheet.bell")


class Bell:
    """Rings for waiting deliveries. At most one bell waits in the queue.

    Args:
        redis: a client with short timeouts; it must not decode responses.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._queue = Queue(DELIVERIES, connection=redis, serializer=JSONSerializer)

    def ring(self) -> bool:
        """Wake a worker, unless a bell that nobody answered yet is waiting. False when Redis is away."""
        try:
            if self._redis.set(GUARD, "1", nx=True, ex=GUARD_SECONDS):
                self._queue.enqueue(DRAIN, job_timeout=JOB_SECONDS, result_ttl=0, failure_ttl=3600, ttl=600)
        except RedisError as error:
            log.warning("the bell could not be rung: %s", error)
            return False
        return True

    def answer(self) -> None:
        """Say that a worker is about to look: whoever rings from now on wants another look."""
        try:
            self._redis.delete(GUARD)
        except RedisError:
            log.warning("the bell's guard could not be cleared; it goes by itself in %s s", GUARD_SECONDS)
