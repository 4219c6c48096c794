"""POST /jobs/claim: who is given what, under a lease that nobody else is told of."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from domain.audit.models import api_audit_log
from domain.db import Database
from domain.jobs.models import job_failures, jobs
from tests.api.client import Client
from tests.api.conftest import Cast
from tests.factories import make_character, make_job
from tests.support.clock import StoppedClock
from tests.support.jobs import claim, report, take
from tests.support.stories import told
from tests.support.threads import at_once


def test_it_works(cast: Cast, database: Database, clock: StoppedClock) -> None:
    job = make_job(database, make_character(database, cast.project), params={"seed": 7})
    clock.advance(minutes=1)
    answer = claim(cast.creator)
    assert answer.status == 200
    claimed = answer.data
    token = claimed.pop("lease_token")
    assert claimed.pop("lease_expires_at") == "2026-03-01T12:02:00.000Z"
    assert answer.headers["ETag"] == f'"{job["id"]}-2"'
    shown = cast.viewer.get(f"/jobs/{job['id']}").data
    assert claimed == shown
    assert (shown["status"], shown["worker"], shown["attempts"]) == ("running", "farm-1", 1)
    assert shown["started_at"] == "2026-03-01T12:01:00.000Z"
    (event,) = told(database, job["id"])
    assert (event["type"], event["data"]) == ("job.started", shown)
    assert event["changes"] == {"status": {"from": "queued", "to": "running"}}
    assert token.startswith("lease_")
    assert len(token) > 40


def test_the_token_is_kept_nowhere(cast: Cast, database: Database) -> None:
    make_job(database, make_character(database, cast.project))
    held = take(cast.creator)
    report(cast.creator, held, "heartbeat", progress=1)
    with database.reading() as session:
        kept = [dict(row) for table in (jobs, api_audit_log) for row in session.execute(select(table)).mappings()]
    assert held[1] not in str(kept)


def test_nobody_has_work_for_nobody(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    for status in ("waiting", "running", "succeeded", "failed", "cancelled"):
        make_job(database, character, status=status)
    make_job(database, character, kind="render")
    answer = claim(cast.creator)
    assert (answer.status, answer.response.data) == (204, b"")
    assert "Content-Type" not in answer.headers


def test_the_highest_priority_goes_first_then_the_oldest(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    made = [make_job(database, character, priority=priority)["id"] for priority in (50, 90, 50, 90, 10)]
    assert [take(cast.creator)[0] for _ in made] == [made[index] for index in (1, 3, 0, 2, 4)]


def test_a_key_is_given_what_it_sees(cast: Cast, database: Database) -> None:
    make_job(database, make_character(database, cast.foreign_project), priority=100)
    own = make_job(database, make_character(database, cast.project))
    assert take(cast.creator)[0] == own["id"]
    assert claim(cast.creator).status == 204
    assert claim(cast.admin).status == 200


def test_an_idempotency_key_gets_another_job_each_time(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    body, headers = {"worker": "farm-1", "kinds": ["generate"]}, {"Idempotency-Key": "one"}
    for _ in range(2):
        make_job(database, character)
    one, other = (cast.creator.post("/jobs/claim", body, headers=headers).data["id"] for _ in range(2))
    assert one != other


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
def test_it_is_a_path_of_its_own(cast: Cast, method: str) -> None:
    answer = cast.admin.call(method, "/jobs/claim").refused(405, "method-not-allowed")
    assert answer.headers["Allow"] == "OPTIONS, POST"


BAD: list[tuple[dict[str, Any], list[str]]] = [
    ({"worker": ""}, ["/worker"]),
    ({"worker": "x" * 101}, ["/worker"]),
    ({"kinds": []}, ["/kinds"]),
    ({"kinds": ["generate", "nonsense"]}, ["/kinds/1"]),
    ({"kinds": ["preview"]}, ["/kinds/0"]),
    ({"kinds": ["generate"] * 51}, ["/kinds"]),
    ({"kinds": "generate"}, ["/kinds"]),
]


@pytest.mark.parametrize(("given", "fields"), BAD, ids=lambda value: str(value)[:40])
def test_what_breaks_a_rule_is_named(cast: Cast, database: Database, given: dict[str, Any], fields: list[str]) -> None:
    make_job(database, make_character(database, cast.project))
    answer = cast.creator.post("/jobs/claim", {"worker": "farm-1", "kinds": ["generate"], **given})
    assert answer.refused(422, "invalid").fields == fields
    assert claim(cast.creator).status == 200


def test_a_worker_that_keeps_failing_a_job_is_not_given_it_again(cast: Cast, database: Database) -> None:
    job = make_job(database, make_character(database, cast.project), max_attempts=10)
    for _ in range(2):
        report(cast.creator, take(cast.creator), "fail", error={"code": "broken"})
    assert claim(cast.creator).status == 204
    assert take(cast.creator, "farm-2")[0] == job["id"]
    with database.reading() as session:
        assert session.execute(select(job_failures.c.worker, job_failures.c.count)).all() == [("farm-1", 2)]


def test_each_job_goes_to_one_of_many_that_claim_at_once(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    made = {make_job(database, character)["id"] for _ in range(12)}
    key = cast.creator.key
    callers = [Client(cast.creator.app, key) for _ in range(8)]

    def work() -> list[str]:
        caller, found = callers.pop(), []
        while (answer := claim(caller)).status == 200:
            found.append(answer.data["id"])
        return found

    taken = [job_id for found in at_once(8, work) for job_id in found]
    assert len(taken) == len(made)
    assert set(taken) == made
