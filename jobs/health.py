"""What `/readyz` tells: each part by name, with what is wrong with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.serializers import JSONSerializer
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from domain.clock import Clock
from domain.db import Database
from domain.operations.queries import last_beat

from .queues import DELIVERIES

SWEEPER_FRESH = timedelta(seconds=15)
# An idle worker says that it is alive every 15 seconds (`--worker-ttl 30`).
WORKER_FRESH = timedelta(seconds=60)


class HealthCheck:
    """The `Health` port."""

    def __init__(self, database: Database, redis: Redis, clock: Clock) -> None:
        self._database = database
        self._redis = redis
        self._clock = clock

    def check(self) -> dict[str, str | None]:
        """`database`, `redis`, `worker`, `sweeper`: None when well, else a sentence."""
        return {
            "database": self._check_database(),
            "redis": self._check_redis(),
            "worker": self._check_worker(),
            "sweeper": self._check_sweeper(),
        }

    def _check_database(self) -> str | None:
        try:
            with self._database.reading() as session:
                session.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return "The database does not answer."
        return None

    def _check_redis(self) -> str | None:
        try:
            self._redis.ping()
        except RedisError:
            return "Redis does not answer; limits are counted in the database and the sweeper delivers."
        return None

    def _check_worker(self) -> str | None:
        try:
            queue = Queue(DELIVERIES, connection=self._redis, serializer=JSONSerializer)
            beats = [worker.last_heartbeat for worker in Worker.all(queue=queue)]
        except RedisError:
            return "Unknown while Redis does not answer."
        newest = max((_utc(moment) for moment in beats if moment is not None), default=None)
        if newest is None or self._clock() - newest > WORKER_FRESH:
            return "No RQ worker has been heard of lately."
        return None

    def _check_sweeper(self) -> str | None:
        try:
            with self._database.reading() as session:
                last = last_beat(session, "sweeper")
        except SQLAlchemyError:
            return "Unknown while the database does not answer."
        if last is None or self._clock() - last > SWEEPER_FRESH:
            return "The sweeper has not been heard of lately."
        return None


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
