"""Many writes in one call: references, all or nothing, each by itself, dry runs; 500 cost as few statements as one."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from domain.characters.models import characters
from domain.db import Database
from domain.events.models import events
from domain.segments.models import segments
from tests.api.client import Answer, Client
from tests.api.conftest import Cast
from tests.factories import make_character, make_key, make_project, make_scene, make_webhook
from tests.support.queries import recorded

Operation = dict[str, Any]


def create(noun: str, ref: str | None = None, **body: Any) -> Operation:
    operation: Operation = {"method": "POST", "path": f"/{noun}", "body": body}
    return operation if ref is None else {**operation, "ref": ref}


def send(client: Client, *operations: Operation, **options: Any) -> Answer:
    headers = options.pop("headers", {})
    return client.post("/batch", {"operations": list(operations), **options}, headers=headers)


def statuses(answer: Answer) -> list[int]:
    return [result["status"] for result in answer.document["data"]]


def count(database: Database, table: Any, **where: Any) -> int:
    with database.reading() as session:
        return int(session.execute(select(func.count()).select_from(table).filter_by(**where)).scalar_one())


def test_it_works(cast: Cast, database: Database) -> None:
    project_id = cast.project["id"]
    answer = send(
        cast.creator,
        create("scenes", "opening", name="The lamp goes out", project_id=project_id),
        create("segments", "wide", name="Wide", scene_id="$opening.id", description="$$opening.id"),
        {"method": "POST", "path": "/scenes/$opening.id/segments", "body": {"name": "Close"}},
        {"method": "PATCH", "path": "/segments/$wide.id", "body": {"status": "in_review"}},
        {"method": "DELETE", "path": "/segments/$wide.id"},
    )
    assert answer.status == 200
    assert statuses(answer) == [201, 201, 201, 200, 200]
    scene, wide, close, submitted, archived = (result["body"]["data"] for result in answer.data)
    assert {wide["scene_id"], close["scene_id"]} == {scene["id"]}
    assert (submitted["status"], archived["status"], archived["version"]) == ("in_review", "archived", 3)
    assert wide["description"] == "$opening.id"
    kinds = ["scene.created", "segment.created", "segment.created", "asset.submitted", "segment.archived"]
    with database.reading() as session:
        told = session.execute(select(events.c.type).where(events.c.project_id == project_id).order_by(events.c.seq))
        assert list(told.scalars()) == kinds


def test_nothing_is_stored_when_one_of_an_atomic_batch_fails(cast: Cast, database: Database) -> None:
    project_id = cast.project["id"]
    answer = send(
        cast.creator,
        create("characters", name="Mara", project_id=project_id),
        create("scenes", name="Here", project_id=project_id),
        create("characters", name="", project_id=project_id),
        create("characters", name="Never run", project_id=project_id),
    ).refused(422, "batch-failed")
    assert statuses(answer) == [424, 424, 422, 424]
    assert answer.document["data"][2]["body"]["errors"][0]["field"] == "/name"
    assert count(database, characters, project_id=project_id) == 0
    assert count(database, events, project_id=project_id) == 0


def test_each_stands_by_itself_when_it_is_not_atomic(cast: Cast, database: Database) -> None:
    project_id, foreign = cast.project["id"], make_project(database)["id"]
    answer = send(
        cast.creator,
        create("characters", name="Mara", code="mara", project_id=project_id),
        create("characters", name="Again", code="mara", project_id=project_id),
        create("characters", name="Elsewhere", project_id=foreign),
        create("scenes", "lost", project_id=project_id),
        create("segments", name="Orphan", scene_id="$lost.id"),
        {"method": "PATCH", "path": "/characters/chr_00000000000000000000000000", "body": {}},
        {"method": "GET", "path": "/nowhere"} | {"method": "POST"},
        create("characters", name="Tom", project_id=project_id, external_ids={"kitsu": "1"}),
        atomic=False,
    )
    assert answer.status == 200
    assert statuses(answer) == [201, 422, 422, 422, 424, 404, 404, 201]
    assert answer.audit["changes"] == {"refused": {"invalid": 3, "failed-dependency": 1, "not-found": 2}}
    assert answer.data[1]["body"]["errors"] == [
        {"field": "/code", "code": "taken", "message": "The code 'mara' is taken by another character."}
    ]
    assert count(database, characters, project_id=project_id) == 2


def test_a_failure_takes_back_what_its_own_operation_wrote(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project, status="draft")
    make_character(database, cast.project, code="taken")
    answer = send(
        cast.creator,
        {"method": "PATCH", "path": f"/characters/{character['id']}", "body": {"name": "New", "code": "taken"}},
        {"method": "PATCH", "path": f"/characters/{character['id']}", "body": {"name": "Newer"}},
        atomic=False,
    )
    assert statuses(answer) == [422, 200]
    assert answer.data[1]["body"]["data"]["version"] == 2


def test_a_dry_run_answers_as_if_and_changes_nothing(cast: Cast, database: Database) -> None:
    project_id = cast.project["id"]
    operations = [create("characters", name="Mara", project_id=project_id)]
    answer = send(cast.creator, *operations, dry_run=True, headers={"Idempotency-Key": "rehearsal"})
    assert statuses(answer) == [201]
    assert count(database, characters, project_id=project_id) == 0
    assert statuses(send(cast.creator, *operations, headers={"Idempotency-Key": "rehearsal"})) == [201]
    assert count(database, characters, project_id=project_id) == 1


def test_a_dry_run_takes_of_the_read_bucket(cast: Cast, database: Database) -> None:
    few = Client(cast.creator.app, make_key(database, "admin", read_per_minute=2, write_per_minute=1))
    operation = create("characters", name="Mara", project_id=cast.project["id"])
    for left in (1, 0):
        answer = send(few, operation, dry_run=True)
        assert (answer.status, answer.headers["RateLimit"][:10]) == (200, f'"read";r={left}')
    send(few, operation, dry_run=True).refused(429, "quota-exceeded")
    assert send(few, operation).headers["RateLimit"][:11] == '"write";r=0'
    send(few, operation).refused(429, "quota-exceeded")


def test_one_key_covers_all_of_it(cast: Cast, database: Database) -> None:
    operations = [create("characters", name=f"Mara {n}", project_id=cast.project["id"]) for n in range(3)]
    first = send(cast.creator, *operations, headers={"Idempotency-Key": "once"})
    again = send(cast.creator, *operations, headers={"Idempotency-Key": "once"})
    assert again.document == first.document
    assert again.headers["Idempotency-Replayed"] == "true"
    assert count(database, characters, project_id=cast.project["id"]) == 3


def test_each_needs_what_the_call_alone_would_need(cast: Cast, database: Database) -> None:
    scene = make_scene(database, cast.project)
    decide = {"method": "POST", "path": f"/scenes/{scene['id']}/approvals", "body": {"decision": "approved"}}
    new = create("characters", name="Mara", project_id=cast.project["id"])
    assert statuses(send(cast.creator, new, decide, atomic=False)) == [201, 403]
    assert statuses(send(cast.reviewer, new, decide, atomic=False)) == [403, 201]
    reader = Client(cast.creator.app, make_key(database, "admin", "read_only"))
    assert statuses(send(reader, new, decide, atomic=False)) == [403, 403]
    assert statuses(send(cast.creator, create("projects", name="Mine"), atomic=False)) == [403]
    stranger = Client(cast.creator.app, make_key(database, "admin", "project", [make_project(database)["id"]]))
    assert statuses(send(stranger, new, decide, atomic=False)) == [422, 404]


def test_an_operation_may_say_which_version_it_has_read(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    patch = {"method": "PATCH", "path": f"/characters/{character['id']}", "body": {"name": "New"}}
    tag = f'"{character["id"]}-1"'
    assert statuses(send(cast.creator, {**patch, "if_match": tag}, {**patch, "if_match": tag}, atomic=False)) == [
        200,
        412,
    ]


def test_500_creations_cost_as_many_statements_as_one(cast: Cast, database: Database) -> None:
    make_webhook(database)
    scene = make_scene(database, cast.project)

    def cost(number: int) -> int:
        operations = [
            create("segments", f"s{n}", name="Shot", scene_id=scene["id"], external_ids={"shotgrid": f"{number}-{n}"})
            for n in range(number)
        ]
        with recorded(database) as seen:
            answer = send(cast.creator, *operations)
        assert set(statuses(answer)) == {201}
        return len(seen)

    cost(1)
    assert cost(2) == cost(500)
    assert count(database, segments, scene_id=scene["id"]) == 503


BAD: list[tuple[Any, str]] = [
    ({}, "/operations"),
    ({"operations": []}, "/operations"),
    ({"operations": [{"method": "POST", "path": "/scenes"}] * 501}, "/operations"),
    ({"operations": [{"method": "GET", "path": "/scenes"}]}, "/operations/0/method"),
    ({"operations": [{"method": "POST"}]}, "/operations/0/path"),
    ({"operations": [{"method": "POST", "path": "/scenes", "ref": "1"}]}, "/operations/0/ref"),
    ({"operations": [{"method": "POST", "path": "/scenes", "ref": "a"}] * 2}, "/operations/1/ref"),
    ({"operations": [{"method": "POST", "path": "/scenes", "body": []}]}, "/operations/0/body"),
    ({"operations": [{"method": "POST", "path": "/scenes"}], "atomic": "yes"}, "/atomic"),
    ({"operations": [{"method": "POST", "path": "/scenes"}], "parallel": True}, "/parallel"),
]


@pytest.mark.parametrize(("body", "field"), BAD, ids=str)
def test_it_refuses_what_is_no_batch(cast: Cast, body: Any, field: str) -> None:
    assert field in cast.creator.post("/batch", body).refused(422, "invalid").fields


@pytest.mark.parametrize(
    ("operation", "field"),
    [
        (create("segments", name="Wide", scene_id="$nobody.id"), "/scene_id"),
        ({"method": "PATCH", "path": "/scenes/$nobody.id", "body": {}}, "/path"),
        (create("characters", "me", name="Me", project_id="$me.id"), "/project_id"),
    ],
    ids=["body", "path", "itself"],
)
def test_it_names_a_reference_that_is_not_there(cast: Cast, operation: Operation, field: str) -> None:
    result = send(cast.creator, operation, atomic=False).data[0]
    assert (result["status"], result["body"]["errors"][0]["field"]) == (422, field)
