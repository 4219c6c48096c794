"""POST /jobs: the job, its event, its place in the queue; and what is refused, with nothing stored."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from config import ROOT
from domain.db import Database
from domain.events.models import events
from domain.jobs.models import job_dependencies, jobs
from tests.api.client import Client
from tests.api.conftest import Cast, MakeApp
from tests.factories import make_character, make_job, make_scene, make_segment
from tests.support.jobs import submit
from tests.support.stories import told


def stored(database: Database) -> tuple[int, ...]:
    with database.reading() as session:
        tables = (jobs, job_dependencies, events)
        return tuple(session.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)


def test_it_works(cast: Cast, database: Database) -> None:
    segment = make_segment(database, make_scene(database, cast.project))
    answer = submit(cast.creator, segment, params={"seed": 7, "prompt": "A lamp at sea."}, priority=80, max_attempts=5)
    assert answer.status == 201
    assert answer.headers["Location"] == f"/api/v1/jobs/{answer.data['id']}"
    assert answer.headers["ETag"] == f'"{answer.data["id"]}-1"'
    key, moment = cast.creator.get("/me").data, "2026-03-01T12:00:00.000Z"
    nothing = dict.fromkeys(("message", "result", "error", "cost", "worker", "started_at", "finished_at"))
    assert answer.data == {
        "id": answer.data["id"], "object": "job", "project_id": cast.project["id"], "kind": "generate",
        "target": {"object": "segment", "id": segment["id"]}, "params": {"seed": 7, "prompt": "A lamp at sea."},
        "priority": 80, "status": "queued", "progress": 0, "attempts": 0, "max_attempts": 5, "depends_on": [],
        "cancel_requested": False, "submitted_by": {"type": "api_key", "id": key["id"], "name": key["name"]},
        "created_at": moment, "updated_at": moment, "version": 1, **nothing,
    }  # fmt: skip
    (event,) = told(database, answer.data["id"])
    assert (event["type"], event["data"], event["changes"]) == ("job.submitted", answer.data, {})
    assert cast.creator.get(f"/jobs/{answer.data['id']}").data == answer.data


@pytest.mark.parametrize(("word", "make"), [("character", make_character), ("scene", make_scene)])
def test_it_is_for_characters_and_scenes_too(cast: Cast, database: Database, word: str, make: Any) -> None:
    target = make(database, cast.project)
    answer = submit(cast.creator, target, word)
    assert answer.data["target"] == {"object": word, "id": target["id"]}
    assert (answer.data["priority"], answer.data["max_attempts"], answer.data["params"]) == (50, 3, {})


def test_a_wrong_shape_is_told_the_right_one(cast: Cast, database: Database) -> None:
    target = {"object": "character", "id": make_character(database, cast.project)["id"]}
    bodies = ({"kind": "generate", "target": target["id"]}, {"kind": "generate", "target": target, "wait": 1})
    told = [cast.creator.post("/jobs", body).refused(422, "invalid").document["errors"][0] for body in bodies]
    assert (told[0]["field"], told[0]["code"]) == ("/target", "type")
    assert told[0]["message"] == "Must be an object; its fields are `object`, `id`."
    assert (told[1]["field"], told[1]["code"]) == ("/wait", "unknown_field")
    assert "`max_attempts`" in told[1]["message"]


def test_the_same_key_submits_once(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    body = {"kind": "preview", "target": {"object": "character", "id": character["id"]}}
    first, again = (cast.creator.post("/jobs", body, headers={"Idempotency-Key": "one"}) for _ in range(2))
    assert (first.status, again.status, again.data) == (201, 201, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert stored(database)[0] == 1


def test_it_waits_for_what_it_depends_on(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    open_, done = make_job(database, character), make_job(database, character, status="succeeded")
    both = [open_["id"], done["id"], open_["id"]]
    answer = submit(cast.creator, character, "character", depends_on=both)
    assert (answer.data["status"], answer.data["depends_on"]) == ("waiting", both[:2])
    assert submit(cast.creator, character, "character", depends_on=[done["id"]]).data["status"] == "queued"


BAD: list[tuple[dict[str, Any], list[str]]] = [
    ({"kind": "nonsense"}, ["/kind"]),
    ({"kind": ...}, ["/kind"]),
    ({"target": {"object": "project", "id": "prj_1"}}, ["/target/object"]),
    ({"target": {"object": "scene", "id": "scn_1"}}, ["/target/id"]),
    ({"target": {"object": "scene"}}, ["/target/id"]),
    ({"params": {"seed": -1, "steps": "many"}}, ["/params/seed", "/params/steps"]),
    ({"kind": "preview", "params": {"prompt": "x", "a/b": 1}}, ["/params/a~1b", "/params/prompt"]),
    ({"params": []}, ["/params"]),
    ({"priority": 101}, ["/priority"]),
    ({"priority": -1, "max_attempts": 11}, ["/max_attempts", "/priority"]),
    ({"max_attempts": 0}, ["/max_attempts"]),
    ({"priority": True}, ["/priority"]),
    ({"depends_on": ["job_1"]}, ["/depends_on/0"]),
    ({"status": "queued"}, ["/status"]),
]


@pytest.mark.parametrize(("given", "fields"), BAD, ids=str)
def test_what_breaks_a_rule_is_named_and_not_stored(
    cast: Cast, database: Database, given: dict[str, Any], fields: list[str]
) -> None:
    before, character = stored(database), make_character(database, cast.project)
    answer = submit(cast.creator, character, "character", **given).refused(422, "invalid")
    assert sorted(answer.fields) == fields
    assert stored(database) == before


def test_parameters_are_no_files(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    answer = submit(cast.creator, character, "character", params={"input": "x" * 66_000}).refused(422, "invalid")
    assert answer.fields == ["/params"]


def test_an_unknown_kind_is_told_which_there_are(cast: Cast, database: Database) -> None:
    answer = submit(cast.creator, make_character(database, cast.project), "character", kind="nonsense")
    assert "preview, generate, render" in answer.document["errors"][0]["message"]


def test_a_dependency_of_another_project_is_unknown(cast: Cast, database: Database) -> None:
    foreign = make_job(database, make_character(database, cast.foreign_project))
    character = make_character(database, cast.project)
    for caller in (cast.creator, cast.admin):
        answer = submit(caller, character, "character", depends_on=[foreign["id"]]).refused(422, "invalid")
        assert answer.fields == ["/depends_on/0"]


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_nothing_can_wait_for_what_has_failed(cast: Cast, database: Database, status: str) -> None:
    character = make_character(database, cast.project)
    broken = make_job(database, character, status=status)
    answer = submit(cast.creator, character, "character", depends_on=[broken["id"]]).refused(422, "invalid")
    assert answer.document["errors"][0]["code"] == "state"


def test_nothing_is_made_for_what_is_archived(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project, status="archived")
    submit(cast.creator, character, "character").refused(409, "conflict")
    assert cast.admin.call("DELETE", f"/projects/{cast.project['id']}").status == 200
    submit(cast.creator, make_character(database, cast.project), "character").refused(409, "conflict")


def test_an_installation_has_kinds_of_its_own(make_app: MakeApp, cast: Cast, database: Database) -> None:
    caller = Client(make_app(job_kinds=str(ROOT / "dev" / "job_kinds.toml")), cast.creator.key)
    character = make_character(database, cast.project)
    assert {"upscale", "voice", "preview"} <= {kind["name"] for kind in caller.get("/job-kinds").data}
    assert submit(caller, character, "character", kind="upscale", params={"factor": 2}).status == 201
    answer = submit(caller, character, "character", kind="upscale", params={"factor": 3, "sharp": True})
    assert sorted(answer.refused(422, "invalid").fields) == ["/params/factor", "/params/sharp"]
    submit(cast.creator, character, "character", kind="upscale", params={"factor": 2}).refused(422, "invalid")


def test_a_batch_submits_jobs_that_need_each_other(cast: Cast, database: Database) -> None:
    target = {"object": "character", "id": make_character(database, cast.project)["id"]}
    first = {"method": "POST", "path": "/jobs", "ref": "first", "body": {"kind": "generate", "target": target}}
    second = {"kind": "render", "target": target, "depends_on": ["$first.id"]}
    answer = cast.creator.post("/batch", {"operations": [first, {"method": "POST", "path": "/jobs", "body": second}]})
    one, other = (result["body"]["data"] for result in answer.data)
    assert (other["status"], other["depends_on"]) == ("waiting", [one["id"]])
