"""Whatever is done to jobs in whatever order, each moves as it may, and those that need others move with them."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select

from domain.access import SYSTEM
from domain.db import Database, Row, Session
from domain.errors import Conflict, Invalid
from domain.events.commands import Context
from domain.jobs.claiming import Ask, claim_job
from domain.jobs.commands import cancel_job, change_job, retry_job, submit_job
from domain.jobs.kinds import BUILT_IN_KINDS
from domain.jobs.leases import expire_leases
from domain.jobs.models import BROKEN, ENDED, jobs
from domain.jobs.queries import JOB
from domain.jobs.working import complete_job, fail_job, hand_back, heartbeat
from tests.factories import make_character, make_project
from tests.support.clock import NOON
from tests.support.stories import told

MOVES = {
    "waiting": {"queued", "failed", "cancelled"},
    "queued": {"running", "waiting", "cancelled"},
    "running": {"succeeded", "failed", "cancelled", "queued"},
    "succeeded": set(),
    "failed": {"queued", "waiting"},
    "cancelled": {"queued", "waiting"},
}
STEPS, LEASE = 250, timedelta(minutes=1)


class Walk:
    """Steps drawn at random, each in a transaction; what the rules forbid is refused and changes nothing."""

    def __init__(self, database: Database, seed: int) -> None:
        self.draw, self.database, self.now = random.Random(seed), database, NOON
        self.target = make_character(database, make_project(database))
        self.ids: list[str] = []
        self.held: list[tuple[str, str]] = []
        steps: list[tuple[Callable[[Session, Context], Any], int]] = [
            (self.submit, 6), (self.claim, 8), (self.end, 5), (self.beat, 2), (self.cancel, 2), (self.retry, 3),
            (self.change, 3), (self.expire, 1),
        ]  # fmt: skip
        self.steps, self.weights = [step for step, _ in steps], [weight for _, weight in steps]

    def step(self) -> None:
        self.now += timedelta(seconds=1)
        with self.database.transaction() as session, suppress(Conflict, Invalid), session.savepoint():
            self.draw.choices(self.steps, self.weights)[0](session, Context(SYSTEM, self.now))

    def some(self, most: int) -> list[str]:
        return self.draw.sample(self.ids, min(len(self.ids), self.draw.randint(0, most)))

    def one(self, session: Session) -> Row:
        return JOB.load(session, SYSTEM, self.draw.choice(self.ids), for_update=True)

    def submit(self, session: Session, context: Context) -> None:
        target = {"object": "character", "id": self.target["id"]}
        given = {"kind": "generate", "target": target, "depends_on": self.some(3), "max_attempts": 2}
        self.ids.append(submit_job(session, context, BUILT_IN_KINDS, given)["id"])

    def claim(self, session: Session, context: Context) -> None:
        claimed = claim_job(session, context, Ask(f"farm-{self.draw.randint(1, 3)}", ("generate",), LEASE, 2))
        if claimed is not None:
            self.held.append((claimed[0]["id"], claimed[1]))

    def end(self, session: Session, context: Context) -> None:
        job, lease = self._held(session)
        chance = self.draw.random()
        if chance < 0.6:
            complete_job(session, context, job, lease)
        elif chance < 0.7:
            hand_back(session, context, job, lease["lease_token"])
        else:
            code = self.draw.choice(("broken", "broken", "cancelled"))
            fail_job(session, context, job, {**lease, "error": {"code": code}, "retryable": self.draw.random() < 0.7})

    def beat(self, session: Session, context: Context) -> None:
        job, lease = self._held(session)
        heartbeat(session, context, job, {**lease, "progress": self.draw.randint(0, 100)}, LEASE)

    def _held(self, session: Session) -> tuple[Row, dict[str, Any]]:
        """A job and a token of it that was good once."""
        job_id, token = self.draw.choice(self.held or [(self.ids[0], "none")])
        return JOB.load(session, SYSTEM, job_id, for_update=True), {"lease_token": token}

    def cancel(self, session: Session, context: Context) -> None:
        cancel_job(session, context, self.one(session))

    def retry(self, session: Session, context: Context) -> None:
        retry_job(session, context, self.one(session))

    def change(self, session: Session, context: Context) -> None:
        change_job(session, context, self.one(session), {"depends_on": self.some(2), "priority": 50})

    def expire(self, session: Session, _context: Context) -> None:
        self.now += LEASE
        expire_leases(session, self.now)


def rows(database: Database) -> dict[str, Row]:
    with database.reading() as session:
        return {row["id"]: row for row in session.execute(select(jobs)).mappings()}


def check(before: dict[str, Row], after: dict[str, Row], now: datetime) -> None:
    for job_id, job in after.items():
        was = before[job_id]["status"] if job_id in before else None
        assert was in (None, job["status"]) or job["status"] in MOVES[str(was)], (was, job)
        needed = [after[other]["status"] for other in job["depends_on"]]
        if job["status"] in ("queued", "running", "succeeded"):
            assert all(status == "succeeded" for status in needed), job
        if job["status"] == "waiting":
            assert set(needed) - {"succeeded"}, job
            assert not set(needed) & set(BROKEN), job
        assert (
            (job["lease_digest"] is not None) == (job["status"] == "running") == (job["lease_expires_at"] is not None)
        )
        assert (job["finished_at"] is not None) == (job["status"] in ENDED), job
        assert job["attempts"] - job["attempts_before"] <= job["max_attempts"], job


@pytest.mark.parametrize("seed", range(2))
def test_it_works(database: Database, seed: int) -> None:
    walk = Walk(database, seed)
    with database.transaction() as session:
        walk.submit(session, Context(SYSTEM, NOON))
    before = rows(database)
    for _ in range(STEPS):
        walk.step()
        after = rows(database)
        check(before, after, walk.now)
        before = after
    assert {job["status"] for job in before.values()} >= {"succeeded", "failed", "cancelled"}
    for job_id, job in before.items():
        check_story([event["type"].partition(".")[2] for event in told(database, job_id)], job)


def check_story(verbs: list[str], job: Row) -> None:
    """Submitted, begun any number of times, ended once; after that, submitted again or nothing."""
    endings = {"succeeded": "completed", "failed": "failed", "cancelled": "cancelled"}
    assert verbs[0] == "submitted"
    for verb, following in pairwise(verbs):
        ended = verb in endings.values()
        assert (following == "submitted") == ended, verbs
    assert (verbs[-1] in endings.values()) == (job["status"] in ENDED), verbs
    assert verbs[-1] == endings.get(job["status"], verbs[-1])
    assert verbs.count("started") == job["attempts"], verbs
