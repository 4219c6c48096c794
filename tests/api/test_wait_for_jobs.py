"""`wait`: a claim answers when there is a job, and GET of a job when it changes; nothing polls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from domain.db import Database
from domain.ports import Services
from jobs.hub import Hub
from tests.api.client import Answer
from tests.api.conftest import Cast
from tests.factories import make_character, make_job
from tests.support.jobs import report, submit, take
from tests.support.waiting import wait_until

Begin = Callable[[str, Callable[[], Answer]], "Future[Answer]"]
LONG = 30  # seconds; no test waits so long


@pytest.fixture
def begin(services: Services) -> Iterator[Begin]:
    """Begin a call in another thread; go on when it waits for the topic."""
    hub = services.changes
    assert isinstance(hub, Hub)

    with ThreadPoolExecutor(4) as pool:

        def start(topic: str, call: Callable[[], Answer]) -> Future[Answer]:
            begun = pool.submit(call)
            wait_until(lambda: hub._waiting.get(topic) or begun.done(), 20, f"nobody waits for {topic}")
            assert not begun.done(), begun.result().response.text
            return begun

        yield start


def test_it_works(cast: Cast, database: Database, begin: Begin) -> None:
    """A worker waits for any of its kinds."""
    body = {"worker": "farm-1", "kinds": ["render", "generate"], "wait": LONG}
    waiting = begin("jobs:generate", lambda: cast.creator.post("/jobs/claim", body))
    made = submit(cast.admin, make_character(database, cast.project), "character")
    answer = waiting.result(20)
    assert (answer.status, answer.data["id"]) == (200, made.data["id"])


def test_a_kind_that_is_named_twice_is_one(cast: Cast) -> None:
    body = {"worker": "farm-1", "kinds": ["generate", "generate"], "wait": 0.1}
    assert cast.creator.post("/jobs/claim", body).status == 204


def test_a_job_that_is_queued_again_wakes_who_waits(cast: Cast, database: Database, begin: Begin) -> None:
    make_job(database, make_character(database, cast.project))
    held = take(cast.admin)
    body = {"worker": "farm-2", "kinds": ["generate"], "wait": LONG}
    waiting = begin("jobs:generate", lambda: cast.creator.post("/jobs/claim", body))
    report(cast.admin, held, "fail", error={"code": "broken"})
    assert waiting.result(20).data["id"] == held[0]


def test_the_next_job_of_a_chain_wakes_who_waits(cast: Cast, database: Database, begin: Begin) -> None:
    character = make_character(database, cast.project)
    first = submit(cast.admin, character, "character").data["id"]
    second = submit(cast.admin, character, "character", depends_on=[first], kind="render").data["id"]
    body = {"worker": "farm-2", "kinds": ["render"], "wait": LONG}
    waiting = begin("jobs:render", lambda: cast.creator.post("/jobs/claim", body))
    report(cast.admin, take(cast.admin), "complete")
    assert waiting.result(20).data["id"] == second


def test_a_wait_that_is_over_is_answered_with_nothing(cast: Cast) -> None:
    assert cast.creator.post("/jobs/claim", {"worker": "w", "kinds": ["generate"], "wait": 0.05}).status == 204
    bad = cast.creator.post("/jobs/claim", {"worker": "w", "kinds": ["generate"], "wait": 61})
    assert bad.refused(422, "invalid").fields == ["/wait"]


def test_a_change_of_a_job_is_waited_for(cast: Cast, database: Database, begin: Begin) -> None:
    job = make_job(database, make_character(database, cast.project))
    waiting = begin(job["id"], lambda: cast.viewer.get(f"/jobs/{job['id']}", wait=LONG))
    held = take(cast.creator)
    assert waiting.result(20).data["status"] == "running"
    waiting = begin(job["id"], lambda: cast.viewer.get(f"/jobs/{job['id']}", wait=LONG, fields="progress"))
    report(cast.creator, held, "heartbeat")  # says nothing new
    report(cast.creator, held, "heartbeat", progress=50)
    assert waiting.result(20).data["progress"] == 50


def test_a_change_since_a_version_is_not_waited_for(cast: Cast, database: Database, begin: Begin) -> None:
    job = make_job(database, make_character(database, cast.project))
    path, before = f"/jobs/{job['id']}", cast.viewer.get(f"/jobs/{job['id']}").headers["ETag"]

    def since(tag: str, wait: float = LONG) -> Answer:
        return cast.viewer.call("GET", path, query_string={"wait": wait}, headers={"If-None-Match": tag})

    waiting = begin(job["id"], lambda: since(before))
    held = take(cast.creator)
    after = waiting.result(20)
    assert after.data["status"] == "running"
    assert since(before).data == after.data
    assert since(after.headers["ETag"], 0.05).status == 304
    assert report(cast.creator, held, "complete").status == 200
    assert since(after.headers["ETag"]).data["status"] == "succeeded"


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_what_has_ended_is_not_waited_for(cast: Cast, database: Database, status: str) -> None:
    job = make_job(database, make_character(database, cast.project), status=status)
    assert cast.viewer.get(f"/jobs/{job['id']}", wait=LONG).data["status"] == status
