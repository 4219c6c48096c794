"""The built-in kind of job, from its submission to the take that it makes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import redis
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import RowMapping, Table, event, select, update

from domain.access import SYSTEM
from domain.artifacts.models import artifacts
from domain.artifacts.places import Folder
from domain.clock import system_clock
from domain.db import Database, Row
from domain.events.commands import Context
from domain.events.models import events
from domain.jobs.commands import submit_job
from domain.jobs.kinds import BUILT_IN_KINDS
from domain.jobs.models import jobs
from domain.jobs.rules import JobTerms
from domain.takes.models import takes
from jobs import previews as jobs_previews
from jobs.artifact_store import open_store
from jobs.artifacts import ArtifactCare
from jobs.preview import Preview, Subject
from jobs.previews import Previews, previews_of
from jobs.queues import PREVIEWS, Caller, preview_caller
from tests.factories import make_character, make_project, make_scene, make_segment
from tests.jobs.conftest import Stage
from tests.support.clock import NOON, StoppedClock

NAMES = ["preview.webp", "storyboard.png", "thumbnail.webp"]


@pytest.fixture
def previews(stage: Stage) -> Previews:
    return previews_of(stage.runtime)


@pytest.fixture
def caller(stage: Stage) -> Caller:
    return preview_caller(stage.runtime.redis)


@pytest.fixture
def segment(stage: Stage) -> Row:
    project = make_project(stage.database, name="Umbrella")
    make_character(stage.database, project, name="Odile")
    return make_segment(stage.database, make_scene(stage.database, project), name="Odile waits in the rain")


def submit(database: Database, target: Row, word: str = "segment", **given: Any) -> str:
    asked = {"kind": "preview", "target": {"object": word, "id": target["id"]}, **given}
    with database.transaction() as session:
        return str(submit_job(session, Context(SYSTEM, system_clock()), BUILT_IN_KINDS, asked)["id"])


def rows(database: Database, table: Table) -> list[RowMapping]:
    with database.reading() as session:
        return list(session.execute(select(table).order_by(table.c.id)).mappings())


def job_row(database: Database) -> RowMapping:
    (only,) = rows(database, jobs)
    return only


def test_it_works(stage: Stage, previews: Previews, segment: Row) -> None:
    submit(stage.database, segment, params={"seed": 7, "seconds": 0.5})
    assert previews.drain(60) == 1
    job = job_row(stage.database)
    assert (job["status"], job["progress"], job["result"]["files"]) == (
        "succeeded",
        100,
        [*reversed(NAMES[:2]), NAMES[2]],
    )
    made = {row["name"]: row for row in rows(stage.database, artifacts)}
    assert sorted(made) == NAMES
    store = open_store(stage.runtime.settings.artifacts)
    for row in made.values():
        assert len(b"".join(store.read(row["blob"]))) == row["size"] > 0
    (take,) = rows(stage.database, takes)
    assert (take["number"], take["target_id"]) == (1, segment["id"])
    assert (take["thumbnail_id"], take["media_id"]) == (made["thumbnail.webp"]["id"], made["preview.webp"]["id"])
    told = [row["type"] for row in rows(stage.database, events) if row["type"].startswith("job.")]
    assert told == ["job.submitted", "job.started", "job.completed"]


def test_characters_and_scenes_are_drawn_too(stage: Stage, previews: Previews) -> None:
    project = make_project(stage.database)
    submit(stage.database, make_character(stage.database, project), "character", params={"seconds": 0.5})
    submit(stage.database, make_scene(stage.database, project), "scene", params={"seconds": 0.5})
    assert previews.drain(60) == 2
    assert {row["status"] for row in rows(stage.database, jobs)} == {"succeeded"}


def test_a_farms_jobs_are_left_alone(stage: Stage, previews: Previews, segment: Row) -> None:
    submit(stage.database, segment, kind="generate")
    assert previews.drain(60) == 0


def test_one_that_is_to_be_cancelled_is_cancelled(stage: Stage, segment: Row) -> None:
    submit(stage.database, segment, params={"seconds": 0.5})

    class Cancelled(Previews):
        """Somebody cancels while it is drawn."""

        def _kept(self, job_id: str, preview: Any) -> Any:
            with stage.database.transaction() as session:
                session.execute(update(jobs).values(cancel_requested=True))
            return super()._kept(job_id, preview)

    assert drawn_by(stage, Cancelled)["status"] == "cancelled"
    assert rows(stage.database, artifacts) == []
    assert blobs(stage) == []


def blobs(stage: Stage) -> list[str]:
    store = open_store(stage.runtime.settings.artifacts)
    return list(store.older_than(system_clock() + timedelta(days=1)))


def test_a_store_that_is_away_is_tried_again(stage: Stage, segment: Row) -> None:
    """And the job fails when it stays away."""
    submit(stage.database, segment, params={"seconds": 0.5}, max_attempts=2)
    place = stage.runtime.settings.artifacts
    assert isinstance(place, Folder)
    place.path.parent.mkdir(parents=True, exist_ok=True)
    place.path.write_text("a file where the folder would be")
    previews = previews_of(stage.runtime)
    assert previews.drain(60) == 2
    job = job_row(stage.database)
    assert (job["status"], job["error"]["code"], job["attempts"]) == ("failed", "store_unavailable", 2)
    assert job["error"]["message"] == "Its files could not be kept; the log says why."


def drawn_by(stage: Stage, kind: type[Previews]) -> RowMapping:
    """The job, after previews of this kind have drawn all there is."""
    settings = stage.runtime.settings
    kind(stage.database, open_store(settings.artifacts), system_clock, JobTerms.of(settings)).drain(60)
    return job_row(stage.database)


def test_a_database_that_is_held_for_too_long_is_tried_again(stage: Stage, segment: Row) -> None:
    """Somebody else holds what an end is written to for longer than it is waited for."""
    submit(stage.database, segment, params={"seconds": 0.5})
    other = Database(stage.runtime.settings.database_url)

    class Disturbed(Previews):
        """At the first attempt."""

        def _complete(self, job_id: str, token: str, kept: Any) -> bool:
            if job_row(stage.database)["attempts"] > 1:
                return super()._complete(job_id, token, kept)
            with other.transaction() as session:
                session.execute(select(jobs).with_for_update())
                return super()._complete(job_id, token, kept)

    make_impatient(stage.database)
    job = drawn_by(stage, Disturbed)
    other.dispose()
    assert (job["status"], job["attempts"], job["error"]) == ("succeeded", 2, None)


def make_impatient(database: Database) -> None:
    """Wait for locks for a moment alone."""
    statement = "PRAGMA busy_timeout=50" if database.is_sqlite else "SET lock_timeout = 50"
    database.dispose()
    event.listen(database.engine, "connect", lambda connection, _record: connection.execute(statement))


@pytest.mark.parametrize(
    ("error", "told", "attempts"),
    [(OSError("No space left"), "unavailable", 3), (ArithmeticError("No such angle"), "preview_failed", 1)],
)
def test_what_may_pass_is_tried_again(
    stage: Stage,
    previews: Previews,
    segment: Row,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    told: str,
    attempts: int,
) -> None:
    def fail(_: Subject) -> Preview:
        raise error

    monkeypatch.setattr("jobs.previews.render", fail)
    submit(stage.database, segment, max_attempts=3)
    previews.drain(60)
    job = job_row(stage.database)
    assert (job["status"], job["error"]["code"], job["attempts"]) == ("failed", told, attempts)
    assert str(error) not in job["error"]["message"]


@pytest.mark.parametrize("during", ["subject_of", "render"])
def test_who_is_stopped_hands_back_what_is_drawn(
    stage: Stage, previews: Previews, segment: Row, monkeypatch: pytest.MonkeyPatch, during: str
) -> None:
    """Another attempt follows in place of its only one."""
    submit(stage.database, segment, params={"seconds": 0.5}, max_attempts=1)
    with stopped(previews, during, monkeypatch):
        previews.drain(60)
    job = job_row(stage.database)
    assert (job["status"], job["attempts"], job["lease_digest"], job["error"]) == ("queued", 1, None, None)
    assert previews.drain(60) == 0
    assert previews_of(stage.runtime).drain(60) == 1
    job = job_row(stage.database)
    assert (job["status"], job["attempts"]) == ("succeeded", 2)


def test_what_is_drawn_already_is_kept(
    stage: Stage, previews: Previews, segment: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(stage.database, segment, params={"seconds": 0.5})
    submit(stage.database, segment, params={"seconds": 0.5})
    with stopped(previews, "complete_job", monkeypatch):
        assert previews.drain(60) == 1
    assert [row["status"] for row in rows(stage.database, jobs)] == ["succeeded", "queued"]


@contextmanager
def stopped(previews: Previews, during: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """They are stopped, as by a signal, where they call this function."""
    real = getattr(jobs_previews, during)

    def stopping(*given: Any) -> Any:
        previews.stop()
        return real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(jobs_previews, during, stopping)
        yield


@pytest.fixture
def care(stage: Stage, previews: Previews, caller: Caller) -> Iterator[ArtifactCare]:
    store = open_store(stage.runtime.settings.artifacts)
    made = ArtifactCare(stage.database, store, system_clock, previews, caller)
    yield made
    made.settle()


def test_the_sweeper_calls_for_what_waits(
    stage: Stage, care: ArtifactCare, segment: Row, redis_client: redis.Redis
) -> None:
    care.round(tidy=False)
    queue = Queue(PREVIEWS, connection=redis_client, serializer=JSONSerializer)
    assert queue.count == 0
    submit(stage.database, segment)
    with stage.database.transaction() as session:
        session.execute(update(jobs).values(updated_at=system_clock() - timedelta(seconds=3)))
    care.round(tidy=False)
    care.round(tidy=False)
    assert queue.count == 1


def test_the_sweeper_draws_what_nobody_draws(stage: Stage, previews: Previews, caller: Caller, segment: Row) -> None:
    """Once it has called for long enough: after a start, what waited before has waited for no worker."""
    submit(stage.database, segment, params={"seconds": 0.5})
    with stage.database.transaction() as session:
        session.execute(update(jobs).values(updated_at=system_clock() - timedelta(minutes=1)))
    clock = StoppedClock()
    care = ArtifactCare(stage.database, open_store(stage.runtime.settings.artifacts), clock, previews, caller)
    for ahead, status in ((0, "queued"), (19, "queued"), (20, "succeeded")):
        clock.now = NOON + timedelta(seconds=ahead)
        care.round(tidy=False)
        care.settle()
        assert job_row(stage.database)["status"] == status
