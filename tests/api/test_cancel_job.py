"""POST /jobs/{id}/cancel and /retry, PATCH /jobs/{id}: what may be done with a job in each status."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from domain.db import Database
from domain.jobs.history import history_of
from domain.jobs.models import jobs
from tests.api.conftest import Cast
from tests.factories import LEASE, change_job, make_artifact, make_character, make_job, make_scene, make_segment
from tests.support.jobs import claim, report, submit, take
from tests.support.stories import told, types_told


@pytest.mark.parametrize("status", ["waiting", "queued"])
def test_it_works(cast: Cast, database: Database, status: str) -> None:
    job = make_job(database, make_character(database, cast.project), status=status)
    answer = cast.creator.post(f"/jobs/{job['id']}/cancel")
    assert (answer.status, answer.data["status"], answer.data["version"]) == (200, "cancelled", 2)
    assert answer.data["finished_at"] == "2026-03-01T12:00:00.000Z"
    (event,) = told(database, job["id"])
    assert (event["type"], event["changes"]) == ("job.cancelled", {"status": {"from": status, "to": "cancelled"}})
    assert claim(cast.creator).status == 204


def test_a_running_one_is_asked_to_stop(cast: Cast, database: Database) -> None:
    job = make_job(database, make_character(database, cast.project), status="running")
    for _ in range(2):
        answer = cast.creator.post(f"/jobs/{job['id']}/cancel")
        assert (answer.data["status"], answer.data["cancel_requested"], answer.data["version"]) == ("running", True, 2)
    assert types_told(database, job["id"]) == []


def test_who_asked_for_it_is_told_where_its_worker_ended_it(cast: Cast, database: Database) -> None:
    job = submit(cast.creator, make_character(database, cast.project), "character").data["id"]
    held = take(cast.admin)
    cast.viewer.post(f"/jobs/{job}/cancel").refused(403, "forbidden")
    first = cast.creator.post(f"/jobs/{job}/cancel").audit["key_id"]
    cast.admin.post(f"/jobs/{job}/cancel")
    worker = report(cast.admin, held, "fail", error={"code": "cancelled"}).audit["key_id"]
    with database.reading() as session:
        row = session.execute(select(jobs).where(jobs.c.id == job)).mappings().one()
        steps = [(step.verb, step.actor["type"], step.actor["id"]) for step in history_of(session, row)]
    assert steps[2:] == [("cancel_requested", "api_key", first), ("cancelled", "api_key", worker)]


def test_one_that_is_done_before_its_worker_hears_of_it_succeeds(cast: Cast, database: Database) -> None:
    job = make_job(database, make_character(database, cast.project), status="running")
    make_artifact(database, job)
    assert cast.creator.post(f"/jobs/{job['id']}/cancel").data["cancel_requested"] is True
    done = cast.creator.post(f"/jobs/{job['id']}/complete", {"lease_token": LEASE})
    assert done.data["status"] == "succeeded"
    (made,) = cast.viewer.get(f"/characters/{job['target_id']}/takes").data
    assert made["job_id"] == job["id"]


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_what_has_ended_cannot_be_cancelled(cast: Cast, database: Database, status: str) -> None:
    job = make_job(database, make_character(database, cast.project), status=status)
    cast.creator.post(f"/jobs/{job['id']}/cancel").refused(409, "conflict")


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_what_came_to_nothing_can_be_retried(cast: Cast, database: Database, status: str) -> None:
    job = make_job(
        database, make_character(database, cast.project), status=status, attempts=3, max_attempts=1, progress=40,
        error={"code": "x", "message": ""}, cancel_requested=True,
    )  # fmt: skip
    answer = cast.creator.post(f"/jobs/{job['id']}/retry").data
    assert (answer["status"], answer["attempts"], answer["error"]) == ("queued", 3, None)
    assert (answer["cancel_requested"], answer["progress"], answer["finished_at"]) == (False, 0, None)
    assert types_told(database, job["id"]) == ["job.submitted"]
    last = report(cast.creator, take(cast.creator), "fail", error={"code": "broken"})
    assert (last.data["status"], last.data["attempts"]) == ("failed", 4)


def test_a_retry_lets_every_worker_try_again(cast: Cast, database: Database) -> None:
    job = make_job(database, make_character(database, cast.project), max_attempts=2)
    for _ in range(2):
        report(cast.creator, take(cast.creator), "fail", error={"code": "broken"})
    assert cast.creator.post(f"/jobs/{job['id']}/retry").status == 200
    assert take(cast.creator)[0] == job["id"]


@pytest.mark.parametrize("status", ["waiting", "queued", "running", "succeeded"])
def test_what_has_not_failed_cannot_be_retried(cast: Cast, database: Database, status: str) -> None:
    job = make_job(database, make_character(database, cast.project), status=status)
    cast.creator.post(f"/jobs/{job['id']}/retry").refused(409, "conflict")


@pytest.mark.parametrize("archived", ["segment", "project"])
def test_nothing_is_retried_for_what_is_archived(cast: Cast, database: Database, archived: str) -> None:
    """What a new job is told."""
    segment = make_segment(database, make_scene(database, cast.project))
    job = make_job(database, segment, status="failed")
    path = f"/segments/{segment['id']}" if archived == "segment" else f"/projects/{cast.project['id']}"
    assert cast.admin.call("DELETE", path).status == 200
    answer = cast.creator.post(f"/jobs/{job['id']}/retry").refused(409, "conflict")
    assert answer.document["detail"] == submit(cast.creator, segment).refused(409, "conflict").document["detail"]
    assert answer.document["detail"] == f"The {archived} is archived: nothing can be made for it."
    assert cast.viewer.get(f"/jobs/{job['id']}").data["status"] == "failed"


def patch(cast: Cast, job_id: str, **fields: Any) -> Any:
    return cast.creator.call("PATCH", f"/jobs/{job_id}", json=fields)


def test_a_job_can_be_put_forward(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    first, second = make_job(database, character), make_job(database, character)
    assert patch(cast, second["id"], priority=51).data["priority"] == 51
    assert patch(cast, second["id"], priority=51).data["version"] == 2
    assert [take(cast.creator)[0] for _ in range(2)] == [second["id"], first["id"]]


@pytest.mark.parametrize("status", ["running", "succeeded", "failed", "cancelled"])
def test_what_has_begun_cannot_be_changed(cast: Cast, database: Database, status: str) -> None:
    job = make_job(database, make_character(database, cast.project), status=status)
    patch(cast, job["id"], priority=1).refused(409, "conflict")


def test_a_change_of_another_version_is_refused(cast: Cast, database: Database) -> None:
    job = make_job(database, make_character(database, cast.project))
    stale = {"If-Match": f'"{job["id"]}-9"'}
    answer = cast.creator.call("PATCH", f"/jobs/{job['id']}", json={"priority": 1}, headers=stale)
    answer.refused(412, "precondition-failed")


def test_dependencies_can_be_changed(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    needed = submit(cast.creator, character, "character").data["id"]
    job = submit(cast.creator, character, "character", priority=90).data["id"]
    assert patch(cast, job, depends_on=[needed]).data["status"] == "waiting"
    assert take(cast.creator)[0] == needed
    assert patch(cast, job, depends_on=[]).data["status"] == "queued"
    assert take(cast.creator)[0] == job


def test_jobs_cannot_wait_for_each_other(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    one = submit(cast.creator, character, "character").data["id"]
    two = submit(cast.creator, character, "character", depends_on=[one]).data["id"]
    three = submit(cast.creator, character, "character", depends_on=[two]).data["id"]
    other = submit(cast.creator, character, "character").data["id"]
    answer = patch(cast, one, depends_on=[other, three]).refused(422, "invalid")
    assert answer.fields == ["/depends_on/1"]
    assert f"{one} → {three} → {two} → {one}" in answer.document["errors"][0]["message"]
    assert patch(cast, one, depends_on=[one]).refused(422, "invalid").fields == ["/depends_on/0"]
    change_job(database, other, status="failed")
    assert patch(cast, one, depends_on=[other]).refused(422, "invalid").fields == ["/depends_on/0"]
    assert cast.viewer.get(f"/jobs/{one}").data["depends_on"] == []
