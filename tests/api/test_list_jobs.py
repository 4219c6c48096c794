"""GET of jobs and of their kinds: lists, filters, one with its tag."""

from __future__ import annotations

from domain.db import Database
from tests.api.conftest import Cast
from tests.api.test_statement_counts import statements
from tests.api.walking import walk
from tests.factories import make_character, make_job, make_scene, make_segment
from tests.support.clock import NOON, StoppedClock


def test_it_works(cast: Cast, database: Database, clock: StoppedClock) -> None:
    character = make_character(database, cast.project)
    made = [make_job(database, character, created_at=clock.advance(seconds=1))["id"] for _ in range(5)]
    make_job(database, make_character(database, cast.foreign_project))
    assert [row["id"] for row in walk(cast.creator, "/jobs")] == made[::-1]
    assert len(cast.admin.get("/jobs").data) == 6


def test_they_are_listed_below_what_they_are_for(cast: Cast, database: Database) -> None:
    scene = make_scene(database, cast.project)
    segment, character = make_segment(database, scene), make_character(database, cast.project)
    made = {word: make_job(database, asset)["id"] for word, asset in
            {"scenes": scene, "segments": segment, "characters": character}.items()}  # fmt: skip
    for word, asset in (("scenes", scene), ("segments", segment), ("characters", character)):
        assert cast.creator.get(f"/{word}/{asset['id']}/jobs").ids == [made[word]]
    assert sorted(cast.creator.get(f"/projects/{cast.project['id']}/jobs").ids) == sorted(made.values())
    cast.stranger.get(f"/scenes/{scene['id']}/jobs").refused(404, "not-found")


def test_filters(cast: Cast, database: Database) -> None:
    character, scene = make_character(database, cast.project), make_scene(database, cast.project)
    one = make_job(database, character, priority=90, created_at=NOON)["id"]
    two = make_job(database, scene, kind="render", status="failed")["id"]
    get = cast.admin.get
    assert get("/jobs", kind="render").ids == [two]
    assert get("/jobs", status="failed").ids == [two]
    assert get("/jobs", **{"status[in]": "queued,running"}).ids == [one]
    assert (
        "write `status[in]=queued,running`"
        in get("/jobs", status="queued,running").refused(400, "bad-query").document["detail"]
    )
    assert get("/jobs", target_id=character["id"]).ids == [one]
    assert get("/jobs", target_object="scene").ids == [two]
    assert sorted(get("/jobs", project_id=cast.project["id"]).ids) == sorted([one, two])
    assert get("/jobs", **{"priority[gte]": "90"}).ids == [one]
    get("/jobs", progress="1").refused(400, "bad-query")
    get("/jobs", status="nonsense").refused(400, "bad-query")


def test_one_has_a_tag(cast: Cast, database: Database) -> None:
    job = make_job(database, make_character(database, cast.project))
    answer = cast.viewer.get(f"/jobs/{job['id']}")
    known = {"If-None-Match": answer.headers["ETag"]}
    assert cast.viewer.call("GET", f"/jobs/{job['id']}", headers=known).status == 304
    cast.creator.post(f"/jobs/{job['id']}/cancel")
    assert cast.viewer.call("GET", f"/jobs/{job['id']}", headers=known).status == 200
    cast.stranger.get(f"/jobs/{job['id']}").refused(404, "not-found")
    cast.viewer.get("/jobs/job_1").refused(404, "not-found")
    cast.viewer.get("/jobs/nonsense").refused(404, "not-found")


def test_what_it_is_for_can_be_shown_beside_it(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    job = make_job(database, character)
    answer = cast.viewer.get(f"/jobs/{job['id']}", fields="id,status", expand="target,project")
    assert answer.data["target"]["name"] == character["name"]
    assert answer.data["project"]["id"] == cast.project["id"]


def test_a_page_costs_the_same_for_one_and_for_twenty(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    make_job(database, character)
    one = statements(cast.admin, database, "GET", "/jobs")
    for _ in range(19):
        make_job(database, character)
    assert len(one) == len(statements(cast.admin, database, "GET", "/jobs")) == 2


def test_kinds(cast: Cast) -> None:
    found = {kind["name"]: kind for kind in cast.viewer.get("/job-kinds").data}
    assert set(found) == {"preview", "generate", "render"}
    assert found["preview"]["built_in"] is True
    assert found["render"]["params"]["properties"]["quality"] == {"enum": ["draft", "final"]}
