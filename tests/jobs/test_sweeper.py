"""The sweeper: rings for what is overdue, delivers by itself while Redis is away, prunes, says that it is alive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from sqlalchemy import func, insert, select, update

from domain.access import SYSTEM
from domain.accounts.models import sessions
from domain.audit.commands import AuditEntry, write_entry
from domain.clock import system_clock
from domain.db import Database
from domain.deliveries.models import webhook_deliveries
from domain.events.commands import EVENTS_TOPIC
from domain.forwards.targets import parse_targets
from domain.jobs.queries import JOB
from domain.operations.queries import last_beat
from jobs.health import HealthCheck
from jobs.runtime import Runtime
from jobs.sweeper import Sweeper
from tests.factories import make_character, make_event, make_job, make_key, make_project
from tests.jobs.conftest import JobSettings, Stage
from tests.jobs.test_bell import waiting
from tests.jobs.test_hub import listening
from tests.support.receiver import receiver


@pytest.fixture
def without_redis(settings: JobSettings) -> Iterator[Stage]:
    runtime = Runtime.build(replace(settings, redis_url="redis://127.0.0.1:9/0"))
    with receiver() as listening:
        yield Stage(runtime, listening)
    runtime.database.dispose()


def overdue(database: Database, seconds: int = 2) -> None:
    with database.transaction() as session:
        session.execute(update(webhook_deliveries).values(due_at=system_clock() - timedelta(seconds=seconds)))


def test_it_rings_for_what_is_overdue(stage: Stage, redis_client: redis.Redis) -> None:
    stage.webhook()
    stage.events(1)
    Sweeper(stage.runtime).tick()
    assert waiting(redis_client) == []  # too fresh: it has a bell of its own

    overdue(stage.database)
    Sweeper(stage.runtime).tick()
    assert len(waiting(redis_client)) == 1


def test_it_delivers_by_itself_while_redis_is_away(without_redis: Stage) -> None:
    _, secret = without_redis.webhook()
    without_redis.events(3)
    overdue(without_redis.database)
    sweeper = Sweeper(without_redis.runtime)
    sweeper.tick()
    sweeper.settle()

    assert len(without_redis.receiver.ids()) == 3
    for arrival in without_redis.receiver.arrivals:
        arrival.verify(secret)


def test_it_delivers_where_a_listener_hears_and_does_not_come(stage: Stage, redis_client: redis.Redis) -> None:
    stage.webhook()
    stage.events(1)
    sweeper = Sweeper(stage.runtime)
    with stage.runtime.bell.listening():  # by a worker that is frozen
        overdue(stage.database)
        sweeper.tick()
        sweeper.settle()
        assert waiting(redis_client) == []
        assert stage.receiver.arrivals == []

        overdue(stage.database, 6)
        sweeper.tick()
        sweeper.settle()
    assert len(waiting(redis_client)) == 1  # for a worker that is not
    assert stage.delivery()["status"] == "delivered"


def test_it_says_that_it_is_alive(stage: Stage) -> None:
    before = system_clock()
    Sweeper(stage.runtime).tick()
    with stage.database.reading() as session:
        beat = last_beat(session, "sweeper")
    assert beat is not None
    assert beat >= before


def test_it_prunes_sessions_that_ended(stage: Stage) -> None:
    now = system_clock()
    with stage.database.transaction() as session:
        for number, ends in ((b"old", now - timedelta(1)), (b"new", now + timedelta(1))):
            row = {"digest": number, "data": {}, "created_at": now, "seen_at": now, "expires_at": ends}
            session.execute(insert(sessions).values(row))
    Sweeper(stage.runtime).tick()
    with stage.database.reading() as session:
        assert session.execute(select(func.count()).select_from(sessions)).scalar_one() == 1


def test_it_tells_of_keys_that_end_soon(stage: Stage) -> None:
    stage.webhook(event_types=("api_key.expiring",))
    make_key(stage.database, expires_at=system_clock() + timedelta(days=2))
    for _ in range(2):  # restarted
        Sweeper(stage.runtime).tick()
    stage.drain()
    assert len(stage.receiver.ids()) == 1


def test_it_seals_and_forwards_the_audit(stage: Stage, settings: JobSettings, tmp_path: Path) -> None:
    targets = parse_targets(f"file://{tmp_path}/audit.ndjson")
    runtime = replace(stage.runtime, settings=replace(settings, audit_forward=targets))
    entry = AuditEntry(at=system_clock(), source="api")
    with stage.database.transaction() as session:
        write_entry(session, entry)
    sweeper = Sweeper(runtime)
    sweeper.tick()
    sweeper.settle()
    assert entry.id in (tmp_path / "audit.ndjson").read_text()
    assert (settings.home / "audit" / "checkpoints.ndjson").exists()


def test_a_seal_that_cannot_be_written_stops_nothing_else_and_is_said(stage: Stage, settings: JobSettings) -> None:
    health = HealthCheck(stage.database, stage.runtime.redis, system_clock)
    settings.home.mkdir()
    (settings.home / "audit").write_text("a file where the folder should be")
    Sweeper(stage.runtime).tick()
    assert health.check()["sealing"] is not None
    assert health.check()["sweeper"] is None

    (settings.home / "audit").unlink()
    Sweeper(stage.runtime).tick()
    assert (settings.home / "audit" / "checkpoints.ndjson").exists()


def test_a_target_that_fails_is_said(stage: Stage, settings: JobSettings) -> None:
    targets = parse_targets("file:///nowhere/at/all.ndjson")
    with stage.database.transaction() as session:
        write_entry(session, AuditEntry(at=system_clock(), source="api"))
    sweeper = Sweeper(replace(stage.runtime, settings=replace(settings, audit_forward=targets)))
    sweeper.tick()
    sweeper.settle()
    health = HealthCheck(stage.database, stage.runtime.redis, system_clock)
    said = health.check()["forwarding"]
    assert said is not None
    assert "file" in said
    assert "nowhere" not in said
    figures = {figure.name: figure.values for figure in health.figures()}
    assert figures["callsheet_audit_forward_behind_rows"] == {"file:///nowhere/at/all.ndjson": 1.0}


def test_it_takes_back_jobs_whose_workers_are_silent(stage: Stage) -> None:
    character = make_character(stage.database, make_project(stage.database))
    job = make_job(stage.database, character, status="running")
    Sweeper(stage.runtime).tick()
    with stage.database.reading() as session:
        assert JOB.load(session, SYSTEM, job["id"])["status"] == "queued"


def test_it_tells_of_events_whose_process_died_before_it_could(stage: Stage, settings: JobSettings) -> None:
    hub = listening(settings.redis_url)
    mark, tells_nobody = hub.mark(), Database(settings.database_url)
    make_event(tells_nobody, "asset.approved")
    tells_nobody.dispose()
    Sweeper(stage.runtime).tick()
    assert hub.wait((EVENTS_TOPIC,), mark, 5)
