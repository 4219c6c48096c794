"""Jobs that wait for others: queued when all have succeeded, failed when one comes to nothing."""

from __future__ import annotations

from sqlalchemy import select

from domain.db import Database
from domain.jobs.models import jobs
from tests.api.client import Client
from tests.api.conftest import Cast
from tests.factories import make_character
from tests.support.jobs import report, submit, take
from tests.support.stories import told, types_told
from tests.support.threads import at_once


def status_of(cast: Cast, job_id: str) -> str:
    return str(cast.viewer.get(f"/jobs/{job_id}").data["status"])


def test_it_works(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    one, two = (submit(cast.creator, character, "character").data["id"] for _ in range(2))
    last = submit(cast.creator, character, "character", depends_on=[one, two], priority=100).data["id"]
    report(cast.creator, take(cast.creator), "complete")
    assert status_of(cast, last) == "waiting"
    report(cast.creator, take(cast.creator), "complete")
    assert status_of(cast, last) == "queued"
    assert take(cast.creator)[0] == last
    assert types_told(database, last) == ["job.submitted", "job.started"]


def test_what_needs_a_job_that_failed_fails_with_it(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    one = submit(cast.creator, character, "character").data["id"]
    two = submit(cast.creator, character, "character", depends_on=[one]).data["id"]
    three = submit(cast.creator, character, "character", depends_on=[two]).data["id"]
    report(cast.creator, take(cast.creator), "fail", error={"code": "broken"}, retryable=False)
    for job_id, needed in ((two, one), (three, two)):
        event = told(database, job_id)[-1]
        assert (event["type"], event["actor"]["type"]) == ("job.failed", "system")
        assert event["data"]["error"]["code"] == "dependency_failed"
        assert needed in event["data"]["error"]["message"]
        assert status_of(cast, job_id) == "failed"
    cast.creator.post(f"/jobs/{three}/retry").refused(409, "conflict")
    cast.creator.post(f"/jobs/{one}/retry")
    assert cast.creator.post(f"/jobs/{two}/retry").data["status"] == "waiting"
    assert cast.creator.post(f"/jobs/{three}/retry").data["status"] == "waiting"


def test_what_needs_a_job_that_was_cancelled_fails(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    one = submit(cast.creator, character, "character").data["id"]
    two = submit(cast.creator, character, "character", depends_on=[one]).data["id"]
    cast.creator.post(f"/jobs/{one}/cancel")
    assert (status_of(cast, one), status_of(cast, two)) == ("cancelled", "failed")


def test_of_two_that_end_at_one_moment_the_later_sees_the_earlier(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    needed = [submit(cast.creator, character, "character").data["id"] for _ in range(6)]
    last = submit(cast.creator, character, "character", depends_on=needed).data["id"]
    held = [take(cast.creator) for _ in needed]
    key = cast.creator.key

    def finish() -> int:
        return report(Client(cast.creator.app, key), held.pop(), "complete").status

    assert at_once(6, finish) == [200] * 6
    with database.reading() as session:
        assert session.execute(select(jobs.c.status).where(jobs.c.id == last)).scalar_one() == "queued"
