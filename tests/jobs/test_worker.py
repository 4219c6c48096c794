"""The RQ worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from domain.clock import system_clock
from jobs import worker
from jobs.health import HealthCheck
from jobs.queues import DELIVERIES
from tests.jobs.conftest import Stage


@pytest.fixture
def working(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[worker.DeliveryWorker]:
    monkeypatch.setattr(worker, "runtime", lambda: stage.runtime)
    made = worker.DeliveryWorker([DELIVERIES], connection=stage.runtime.redis)
    made.register_birth()  # type: ignore[no-untyped-call]
    yield made
    made.register_death()  # type: ignore[no-untyped-call]


def test_it_is_known_again_after_redis_lost_everything(
    working: worker.DeliveryWorker, stage: Stage, redis_client: redis.Redis
) -> None:
    health = HealthCheck(stage.database, stage.runtime.redis, system_clock)
    assert health.check()["worker"] is None
    redis_client.flushall()
    assert health.check()["worker"] is not None
    working.heartbeat()
    assert health.check()["worker"] is None
