"""What `/readyz` tells: each part by name, with what is wrong with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.serializers import JSONSerializer
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from domain.clock import Clock, rfc3339
from domain.db import Database
from domain.forwards.queries import states_of_targets
from domain.operations.queries import SEALING_FAULT, has_beat_since, last_beat
from domain.seals.statistics import Figure, audit_figures

from .queues import DELIVERIES, PREVIEWS

SWEEPER_FRESH = timedelta(seconds=15)
# An idle worker says that it is alive every 15 seconds (`--worker-ttl 30`).
WORKER_FRESH = timedelta(seconds=60)
UNKNOWN = "Unknown while the database does not answer."


class HealthCheck:
    """The `Health` port."""

    def __init__(self, database: Database, redis: Redis, clock: Clock) -> None:
        self._database = database
        self._redis = redis
        self._clock = clock

    def check(self) -> dict[str, str | None]:
        """By part, such as `database`: None when it is well, or else a sentence."""
        return {
            "database": self._check_database(),
            "redis": self._check_redis(),
            "worker": self._check_worker(DELIVERIES),
            "previews": self._check_worker(PREVIEWS),
            "sweeper": self._check_sweeper(),
            "sealing": self._check_sealing(),
            "forwarding": self._check_forwarding(),
        }

    def figures(self) -> list[Figure]:
        """How far the audit is sealed and forwarded."""
        with self._database.reading() as session:
            return audit_figures(session, self._clock())

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

    def _check_worker(self, name: str) -> str | None:
        try:
            queue = Queue(name, connection=self._redis, serializer=JSONSerializer)
            beats = [worker.last_heartbeat for worker in Worker.all(queue=queue)]
        except RedisError:
            return "Unknown while Redis does not answer."
        newest = max((_utc(moment) for moment in beats if moment is not None), default=None)
        if newest is None or self._clock() - newest > WORKER_FRESH:
            return f"No RQ worker of `{name}` has been heard of lately."
        return None

    def _check_sweeper(self) -> str | None:
        try:
            with self._database.reading() as session:
                last = last_beat(session, "sweeper")
        except SQLAlchemyError:
            return UNKNOWN
        if last is None or self._clock() - last > SWEEPER_FRESH:
            return "The sweeper has not been heard of lately."
        return None

    def _check_sealing(self) -> str | None:
        try:
            with self._database.reading() as session:
                is_broken = has_beat_since(session, SEALING_FAULT, self._clock() - SWEEPER_FRESH)
        except SQLAlchemyError:
            return UNKNOWN
        return "The audit is not sealed in good order; the sweeper's log says why." if is_broken else None

    def _check_forwarding(self) -> str | None:
        """This page is public: it names no address of the studio's network."""
        try:
            with self._database.reading() as session:
                failing = [state for state in states_of_targets(session) if state.failing_since is not None]
        except SQLAlchemyError:
            return UNKNOWN
        if not failing:
            return None
        ways = ", ".join(state.target.partition(":")[0] for state in failing)
        since = min(state.failing_since for state in failing if state.failing_since is not None)
        return f"The audit is not taken by a target of forwarding ({ways}) since {rfc3339(since)}."


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
