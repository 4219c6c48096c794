"""Leases of jobs: taken back when they run out, each once, whoever looks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from domain.access import SYSTEM
from domain.audit.models import api_audit_log
from domain.db import Database, Row
from domain.errors import Conflict
from domain.events.commands import Context
from domain.ids import new_id
from domain.jobs.claiming import Ask, claim_job
from domain.jobs.leases import MOST_AT_ONCE, expire_leases
from domain.jobs.models import job_failures, jobs
from domain.jobs.working import hand_back
from tests.factories import LEASE, make_character, make_job, make_project
from tests.scale.plans import sent
from tests.support.clock import NOON
from tests.support.stories import told, types_told
from tests.support.threads import at_once

LATER = NOON + timedelta(minutes=2)
ASK = Ask("farm-2", ("generate",), timedelta(minutes=1), 2)


def running(database: Database, **fields: Any) -> Row:
    return make_job(database, make_character(database, make_project(database)), status="running", **fields)


def expire(database: Database) -> int:
    with database.transaction() as session:
        return expire_leases(session, LATER)


def row_of(database: Database, job_id: str) -> Mapping[Any, Any]:
    with database.reading() as session:
        return session.execute(select(jobs).where(jobs.c.id == job_id)).mappings().one()


def test_it_works(database: Database) -> None:
    job = running(database, progress=40, message="Frame 40")
    with database.transaction() as session:
        assert expire_leases(session, NOON + timedelta(seconds=59)) == 0
    assert expire(database) == 1
    row = row_of(database, job["id"])
    assert (row["status"], row["progress"], row["message"], row["lease_digest"]) == ("queued", 0, None, None)
    assert row["error"]["code"] == "lease_expired"
    assert (row["attempts"], row["version"]) == (1, 2)
    assert expire(database) == 0
    assert types_told(database, job["id"]) == []
    with database.reading() as session:
        entry = session.execute(select(api_audit_log)).mappings().one()
    assert (entry["source"], entry["action"]) == ("system", "job.expire")
    changed = {"status": {"from": "running", "to": "queued"}}
    assert entry["changes"] == {"id": job["id"], "worker": job["worker"], **changed}


def test_one_without_attempts_left_fails(database: Database) -> None:
    job = running(database, attempts=3, max_attempts=3)
    expire(database)
    (event,) = told(database, job["id"])
    assert (event["type"], event["actor"]["type"]) == ("job.failed", "system")
    assert event["data"]["error"]["code"] == "lease_expired"
    assert "farm-1" in event["data"]["error"]["message"]


def test_one_that_was_to_be_cancelled_is(database: Database) -> None:
    job = running(database, cancel_requested=True, attempts=3)
    expire(database)
    assert types_told(database, job["id"]) == ["job.cancelled"]
    assert row_of(database, job["id"])["status"] == "cancelled"


def test_a_silent_worker_is_counted_as_one_that_failed(database: Database) -> None:
    job = running(database)
    expire(database)
    with database.reading() as session:
        assert session.execute(select(job_failures)).all() == [(job["id"], "farm-1", 1)]


def test_what_is_handed_back_leaves_an_attempt(database: Database) -> None:
    job = running(database, attempts=3, max_attempts=3)
    with database.transaction() as session:
        hand_back(session, Context(SYSTEM, LATER), job, LEASE)
    with database.transaction() as session:
        claimed = claim_job(session, Context(SYSTEM, LATER), ASK)
    assert claimed is not None
    assert (claimed[0]["id"], claimed[0]["attempts"]) == (job["id"], 4)
    with database.transaction() as session, pytest.raises(Conflict):
        hand_back(session, Context(SYSTEM, LATER), claimed[0], LEASE)
    with database.reading() as session:
        assert session.execute(select(job_failures)).all() == []


def test_what_is_handed_back_and_was_to_be_cancelled_is(database: Database) -> None:
    job = running(database, cancel_requested=True)
    with database.transaction() as session:
        assert hand_back(session, Context(SYSTEM, LATER), job, LEASE)["status"] == "cancelled"
    assert types_told(database, job["id"]) == ["job.cancelled"]


def test_who_claims_takes_back_what_is_overdue(database: Database) -> None:
    job = running(database)
    with database.transaction() as session:
        claimed = claim_job(session, Context(SYSTEM, LATER), ASK)
    assert claimed is not None
    assert (claimed[0]["id"], claimed[0]["worker"], claimed[0]["attempts"]) == (job["id"], "farm-2", 2)


@pytest.mark.parametrize("count", [1, MOST_AT_ONCE + 10])
def test_of_many_that_look_at_once_each_is_taken_back_by_one(database: Database, count: int) -> None:
    character = make_character(database, make_project(database))
    for _ in range(count):
        make_job(database, character, status="running", attempts=3, max_attempts=3)
    found = at_once(4, lambda: expire(database))
    assert sum(found) + expire(database) == count
    with database.reading() as session:
        ids = session.execute(select(jobs.c.id)).scalars().all()
    assert all(types_told(database, job_id) == ["job.failed"] for job_id in ids)


def test_a_job_is_given_to_one_of_many(database: Database) -> None:
    character = make_character(database, make_project(database))
    made = [make_job(database, character)["id"] for _ in range(10)]

    def work() -> list[str]:
        found: list[str] = []
        while True:
            with database.transaction() as session:
                claimed = claim_job(session, Context(SYSTEM, NOON), ASK)
            if claimed is None:
                return found
            found.append(claimed[0]["id"])

    taken = [job_id for found in at_once(5, work) for job_id in found]
    assert sorted(taken) == sorted(made)


def test_a_claim_reads_the_queue_and_not_every_job(database: Database) -> None:
    """Whatever has ended, and whatever waits: the first of its index is the one."""
    character = make_character(database, make_project(database))
    ended = make_job(database, character, status="succeeded")
    rows = [{**ended, "id": new_id("job"), "status": "succeeded" if number % 2 else "queued"} for number in range(4000)]
    with database.transaction() as session:
        session.execute(insert(jobs), rows)
    with database.transaction() as session, sent(database) as seen:
        if not database.is_sqlite:
            session.execute(text("ANALYZE jobs"))
        assert claim_job(session, Context(SYSTEM, NOON), ASK) is not None
    looked, claimed = (next(one for one in seen if word in one[0]) for word in ("lease_expires_at <=", "UPDATE jobs"))
    assert "ix_jobs_leases" in plan(database, *looked)
    assert "ix_jobs_queue" in plan(database, *claimed)


def plan(database: Database, statement: str, values: Any) -> str:
    """How it would be run, with the values that the driver was given."""
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    with database.engine.connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute(f"{explain} {statement}", values)
        return "\n".join(map(str, cursor.fetchall()))
