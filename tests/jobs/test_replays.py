"""Replays as the sweeper takes their steps: at a rate, through kills, and after a week without a receiver."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select, update

from config import ROOT
from domain.access import SYSTEM
from domain.clock import rfc3339, system_clock
from domain.db import Session
from domain.deliveries.models import webhook_deliveries
from domain.events.commands import Context, Happening, record_events
from domain.events.examples import example_data
from domain.events.models import events
from domain.replays import steps
from domain.replays.commands import Terms, Wanted, plan_replay, start_replay
from domain.replays.queries import load_replay
from domain.webhooks.models import webhooks
from jobs.replays import Replays
from jobs.sweeper import Sweeper
from tests.jobs.conftest import JobSettings, Stage
from tests.support.clock import NOON, StoppedClock
from tests.support.receiver import Answer
from tests.support.waiting import wait_until

DAY = timedelta(days=1)


def emit(stage: Stage, clock: StoppedClock, count: int = 1) -> list[str]:
    happening = Happening("asset.approved", None, *example_data("asset.approved"))
    with stage.database.transaction() as session:
        return record_events(session, Context(SYSTEM, clock.now), [happening] * count)


def start(stage: Stage, webhook_id: str, clock: StoppedClock, per_minute: int = 60_000) -> str:
    with stage.database.reading() as session:
        plan = plan_replay(session, SYSTEM, webhook_id, Wanted(), Terms(per_minute, 30), clock.now)
    with stage.database.transaction() as session:
        return start_replay(session, Context(SYSTEM, clock.now), plan)


def replays(stage: Stage, clock: StoppedClock) -> Replays:
    return Replays(stage.database, stage.runtime.bell, clock, Terms(60_000, 30))


def status(stage: Stage, replay_id: str) -> str:
    with stage.database.reading() as session:
        return str(load_replay(session, SYSTEM, replay_id)["status"])


def queued(stage: Stage, replay_id: str) -> list[str]:
    table = webhook_deliveries
    with stage.database.reading() as session:
        chosen = select(table.c.event_id).where(table.c.replay_id == replay_id)
        return list(session.execute(chosen.order_by(table.c.id)).scalars())


def has_more(stage: Stage, replay_id: str, known: int) -> bool:
    return len(queued(stage, replay_id)) > known


def deliver(stage: Stage, clock: StoppedClock) -> None:
    """Send what is due; the lease of what a drain claimed is not run out by this clock."""
    drain = stage.runtime._drain(None)
    drain.clock = clock
    asyncio.run(drain.run())


def test_it_works(stage: Stage) -> None:
    """The sweeper's own tick, by its own clock."""
    webhook_id, secret = stage.webhook()
    sent = stage.events(3)
    stage.drain()
    with stage.database.transaction() as session:
        session.execute(update(webhook_deliveries).values(created_at=NOON, due_at=NOON))
        session.execute(update(events).values(created_at=NOON))
    started = StoppedClock(system_clock() - timedelta(seconds=6))
    replay_id = start(stage, webhook_id, started)
    sweeper = Sweeper(stage.runtime)
    sweeper.tick()
    sweeper.settle()
    assert queued(stage, replay_id) == sent
    stage.drain()
    assert {arrival.id for arrival in stage.receiver.arrivals[3:]} == set(sent)
    for arrival in stage.receiver.arrivals:
        arrival.verify(secret)


def test_seven_days_without_a_receiver(stage: Stage) -> None:
    """Every event of the week arrives, in the feed's order, whatever became of it during the outage."""
    clock = StoppedClock()
    webhook_id, _ = stage.webhook()
    stage.receiver.answer = lambda _: Answer(503)
    sent = []
    for _ in range(7 * 4):
        sent += emit(stage, clock, 3)
        clock.advance(hours=6)
        deliver(stage, clock)
    with stage.database.transaction() as session:
        # As an admin does, or Callsheet itself, when a receiver fails for long: from now on it hears of nothing.
        session.execute(update(webhooks).values(enabled=False))
    clock.advance(minutes=1)
    sent += emit(stage, clock, 3)
    with stage.database.transaction() as session:
        session.execute(update(webhooks).values(enabled=True, breaker="closed", paused_until=None))
    stage.receiver.answer = lambda _: Answer()
    stage.receiver.arrivals.clear()
    clock.advance(minutes=1)

    replay_id = start(stage, webhook_id, clock)
    clock.advance(seconds=6)
    while status(stage, replay_id) == "running":
        replays(stage, clock).round()
        clock.advance(seconds=1)
    assert queued(stage, replay_id) == sent
    with stage.database.transaction() as session:
        # What waits from before would arrive a second time, under the same id, between the others.
        table = webhook_deliveries
        session.execute(update(table).where(table.c.replay_id == "").values(status="cancelled"))
    deliver(stage, clock)
    assert [arrival.id for arrival in stage.receiver.arrivals] == sent


def test_it_goes_on_where_it_was_killed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in every third step, after its deliveries and before its cursor, and in every other between two."""
    clock = StoppedClock()
    webhook_id, _ = stage.webhook()
    sent = emit(stage, clock, 40)
    clock.advance(minutes=1)
    replay_id = start(stage, webhook_id, clock, per_minute=240)
    clock.advance(seconds=6)
    real, calls = steps._move, []

    def dying(session: Session, *given: object) -> None:
        calls.append(1)
        if len(calls) % 3 == 0:
            raise SystemExit
        real(session, *given)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(steps, "_move", dying)
    deaths = 0
    while status(stage, replay_id) == "running":
        try:
            replays(stage, clock).round()  # a new process each time
        except SystemExit:
            deaths += 1
        clock.advance(seconds=1)
    assert deaths >= 4
    assert queued(stage, replay_id) == sent


def test_processes_that_are_killed_lose_and_double_nothing(stage: Stage, settings: JobSettings) -> None:
    """`kill -9` wherever it hits, six times, each as soon as some more was queued."""
    clock = StoppedClock(system_clock())
    webhook_id, _ = stage.webhook()
    sent = emit(stage, clock, 1500)
    clock.advance(seconds=1)
    replay_id = start(stage, webhook_id, clock, per_minute=180)
    command = [sys.executable, "-m", "tests.support.stepping", settings.database_url, settings.redis_url]
    base = rfc3339(clock.now)
    for _ in range(6):
        known = len(queued(stage, replay_id))
        process = subprocess.Popen([*command, base], cwd=ROOT)
        wait_until(partial(has_more, stage, replay_id, known), 30, "it queued nothing")
        process.kill()
        process.wait()
        assert queued(stage, replay_id) == sent[: len(queued(stage, replay_id))]
    assert status(stage, replay_id) == "running", "it was over before it was killed"
    process = subprocess.Popen([*command, base], cwd=ROOT)
    try:
        wait_until(lambda: status(stage, replay_id) == "completed", 60, "it is not over")
    finally:
        process.kill()
        process.wait()
    assert queued(stage, replay_id) == sent


def test_several_sweepers_step_together(stage: Stage) -> None:
    clock = StoppedClock()
    webhook_id, _ = stage.webhook()
    sent = emit(stage, clock, 200)
    clock.advance(minutes=1)
    replay_id = start(stage, webhook_id, clock, per_minute=600)
    clock.advance(seconds=6)

    def sweep() -> None:
        own = replays(stage, clock)
        while status(stage, replay_id) == "running":
            own.round()

    sweepers = [threading.Thread(target=sweep) for _ in range(3)]
    for thread in sweepers:
        thread.start()
    seen = []
    while any(thread.is_alive() for thread in sweepers):
        seen.append(len(queued(stage, replay_id)))
        clock.advance(milliseconds=100)
    assert queued(stage, replay_id) == sent
    # Ten at a step, a step a second, ten looks in each: who took a step that another had taken would be ahead of it.
    assert all(count <= 10 * (look // 10 + 1) for look, count in enumerate(seen)), "two took the same step"
