"""Defining the metadata fields of a project."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, insert, select

from domain.db import Database
from domain.metadata.models import metadata_values
from domain.metadata_fields.commands import MOST_FIELDS
from domain.metadata_fields.models import metadata_fields
from tests.api.client import Answer, Client
from tests.api.conftest import Cast
from tests.factories import make_character, make_field, make_key, make_scene

FPS = {"entity": "scene", "key": "fps", "type": "integer", "min": 1, "max": 240}


def fields_path(cast: Cast) -> str:
    return f"/projects/{cast.project['id']}/metadata-fields"


def patch(client: Client, path: str, body: Any, **headers: str) -> Answer:
    return client.call("PATCH", path, json=body, headers={name.replace("_", "-"): v for name, v in headers.items()})


def typed_values(database: Database) -> int:
    with database.reading() as session:
        return int(session.execute(select(func.count()).select_from(metadata_values)).scalar_one())


def test_it_works(cast: Cast) -> None:
    path = fields_path(cast)
    made = cast.admin.post(path, {**FPS, "description": "Of the finished film."})
    assert made.status == 201
    assert made.headers["Location"] == f"/api/v1{path}/{made.data['id']}"
    assert made.data == {
        "id": made.data["id"],
        "object": "metadata_field",
        "project_id": cast.project["id"],
        **FPS,
        "required": False,
        "default": None,
        "pattern": None,
        "options": [],
        "description": "Of the finished film.",
        "created_at": made.data["created_at"],
        "updated_at": made.data["created_at"],
        "version": 1,
    }
    one = cast.viewer.get(f"{path}/{made.data['id']}")
    assert (one.data, one.headers["ETag"]) == (made.data, made.headers["ETag"])
    changed = patch(cast.admin, f"{path}/{made.data['id']}", {"max": None, "default": 24, "required": True})
    assert (changed.data["max"], changed.data["default"], changed.data["required"]) == (None, 24, True)
    assert changed.data["version"] == 2
    gone = cast.admin.call("DELETE", f"{path}/{made.data['id']}")
    assert (gone.status, gone.data) == (200, changed.data)
    cast.admin.get(f"{path}/{made.data['id']}").refused(404, "not-found")


def test_they_are_listed_by_the_grammar(cast: Cast, database: Database) -> None:
    made = [
        make_field(database, cast.project, entity, key, "string")["id"]
        for entity, key in (("character", "b"), ("scene", "a"), ("character", "a"))
    ]
    make_field(database, cast.foreign_project, "character", "a", "string")
    path = fields_path(cast)
    assert cast.viewer.get(path).ids == [made[2], made[0], made[1]]
    assert cast.viewer.get(path, entity="character", sort="-key").ids == [made[0], made[2]]
    page = cast.viewer.get(path, limit=1, total="true", fields="key")
    assert (page.data, page.document["page"]["total"]) == ([{"key": "a"}], 3)
    assert cast.viewer.get(path, cursor=page.document["page"]["next"]).ids == [made[0], made[1]]
    cast.viewer.get(path, entity="job").refused(400, "bad-query")


def test_who_may_define_them(cast: Cast, database: Database) -> None:
    """Admins: with every project, or in the projects of their key."""
    path = fields_path(cast)
    own = Client(cast.admin.app, make_key(database, "admin", "project", [cast.project["id"]]))
    foreign = Client(cast.admin.app, make_key(database, "admin", "project", [cast.foreign_project["id"]]))
    reading = Client(cast.admin.app, make_key(database, "admin", "read_only"))
    field = own.post(path, FPS)
    assert field.status == 201
    one = f"{path}/{field.data['id']}"
    for client, status in ((cast.creator, 403), (cast.reviewer, 403), (cast.viewer, 403), (reading, 403),
                           (foreign, 404), (cast.stranger, 404)):  # fmt: skip
        assert client.post(path, {**FPS, "key": "other"}).status == status
        assert patch(client, one, {"required": True}).status == status
        assert client.call("DELETE", one).status == status
        assert client.get(path).status == client.get(one).status == (404 if status == 404 else 200)
    assert patch(own, one, {"required": True}).status == 200
    assert own.call("DELETE", one).status == 200


def test_a_field_of_another_project_is_not_there(cast: Cast, database: Database) -> None:
    field = make_field(database, cast.foreign_project, "scene", "fps", "integer")
    path = f"{fields_path(cast)}/{field['id']}"
    cast.admin.get(path).refused(404, "not-found")
    patch(cast.admin, path, {"required": True}).refused(404, "not-found")
    cast.admin.call("DELETE", path).refused(404, "not-found")


@pytest.mark.parametrize(
    ("given", "at_fault"),
    [
        ({"entity": None}, ["/entity"]),
        ({"entity": "job", "key": "Fps", "type": "float"}, ["/entity", "/type", "/key"]),
        ({"min": 5, "max": 1}, ["/max"]),
        ({"required": 1}, ["/required"]),
        ({"options": "a"}, ["/options"]),
        ({"pattern": 1}, ["/pattern"]),
        ({"nonsense": 1}, ["/nonsense"]),
        ({"default": 0}, ["/default"]),
    ],
)
def test_it_refuses_a_bad_definition(cast: Cast, given: dict[str, Any], at_fault: list[str]) -> None:
    assert cast.admin.post(fields_path(cast), {**FPS, **given}).refused(422, "invalid").fields == at_fault


@pytest.mark.parametrize("given", [{"entity": "segment"}, {"key": "x"}, {"type": "number"}, {"id": "fld_1"}])
def test_what_a_field_is_cannot_be_changed(cast: Cast, database: Database, given: dict[str, Any]) -> None:
    field = make_field(database, cast.project, "scene", "fps", "integer")
    patch(cast.admin, f"{fields_path(cast)}/{field['id']}", given).refused(422, "invalid")


def test_a_key_is_defined_once(cast: Cast) -> None:
    path = fields_path(cast)
    assert cast.admin.post(path, FPS).status == 201
    [error] = cast.admin.post(path, FPS).refused(422, "invalid").document["errors"]
    assert (error["field"], error["code"]) == ("/key", "taken")
    assert cast.admin.post(path, {**FPS, "entity": "segment"}).status == 201
    other = f"/projects/{cast.foreign_project['id']}/metadata-fields"
    assert cast.admin.post(other, {**FPS, "type": "string", "min": None, "max": None}).status == 201


def test_there_is_an_end_to_fields(cast: Cast, database: Database) -> None:
    first = dict(make_field(database, cast.project, "scene", "k0", "integer"))
    others = [{**first, "id": f"fld_{number}", "key": f"k{number}"} for number in range(1, MOST_FIELDS)]
    with database.transaction() as session:
        session.execute(insert(metadata_fields), others)
    cast.admin.post(fields_path(cast), FPS).refused(409, "conflict")
    assert cast.admin.post(fields_path(cast), {**FPS, "entity": "segment"}).status == 201


def test_a_definition_takes_in_the_values_that_are_there(cast: Cast, database: Database) -> None:
    for value in (24, 25, 25.0):
        make_scene(database, cast.project, metadata={"fps": value})
    make_scene(database, cast.project, metadata={"mood": 1})
    make_scene(database, cast.foreign_project, metadata={"fps": "no"})
    make_character(database, cast.project, metadata={"fps": "no"})
    assert cast.admin.post(fields_path(cast), FPS).status == 201
    assert typed_values(database) == 3
    found = cast.admin.get("/scenes", **{"metadata.fps": "25"})
    assert [row["metadata"]["fps"] for row in found.data] == [25, 25]


def test_a_definition_that_values_break_is_refused(cast: Cast, database: Database) -> None:
    bad = [make_scene(database, cast.project, metadata={"fps": value})["id"] for value in ("24", 0, None)]
    make_scene(database, cast.project, metadata={"fps": 24})
    answer = cast.admin.post(fields_path(cast), FPS).refused(409, "conflict")
    assert answer.document["detail"].startswith("3 scenes of this project would not fit: ")
    assert all(entity_id in answer.document["detail"] for entity_id in bad)
    assert cast.admin.get(fields_path(cast)).data == []
    assert typed_values(database) == 0


def test_a_change_that_values_break_is_refused(cast: Cast, database: Database) -> None:
    field = make_field(database, cast.project, "scene", "fps", "integer")
    scene = make_scene(database, cast.project, metadata={"fps": 30})
    path = f"{fields_path(cast)}/{field['id']}"
    answer = patch(cast.admin, path, {"max": 25}).refused(409, "conflict")
    assert scene["id"] in answer.document["detail"]
    assert patch(cast.admin, path, {"max": 30, "required": True}).status == 200
    cast.creator.call("DELETE", f"/scenes/{scene['id']}/metadata/fps").refused(422, "invalid")


def test_a_new_requirement_is_asked_for_at_the_next_write(cast: Cast, database: Database) -> None:
    scene = make_scene(database, cast.project, metadata={"mood": "dry"})
    path = f"/scenes/{scene['id']}"
    make_field(database, cast.project, "scene", "fps", "integer", required=True)
    assert patch(cast.creator, path, {"name": "The lamp goes out"}).status == 200
    assert patch(cast.creator, f"{path}/metadata", {"mood": "wet"}).refused(422, "invalid").fields == ["/metadata/fps"]
    assert patch(cast.creator, f"{path}/metadata", {"mood": "wet", "fps": 24}).status == 200


def test_values_outlive_their_field(cast: Cast, database: Database) -> None:
    field = make_field(database, cast.project, "scene", "fps", "integer")
    scene = cast.creator.post("/scenes", {"name": "x", "project_id": cast.project["id"], "metadata": {"fps": 24}})
    other = make_field(database, cast.foreign_project, "scene", "fps", "integer")
    cast.admin.post("/scenes", {"name": "y", "project_id": cast.foreign_project["id"], "metadata": {"fps": 24}})
    assert typed_values(database) == 2
    assert cast.admin.call("DELETE", f"{fields_path(cast)}/{field['id']}").status == 200
    assert typed_values(database) == 1
    path = f"/scenes/{scene.data['id']}/metadata"
    assert cast.creator.get(path).data == {"fps": 24}
    assert patch(cast.creator, path, {"fps": "any"}).data == {"fps": "any"}
    assert cast.admin.get(f"/projects/{cast.foreign_project['id']}/metadata-fields").ids == [other["id"]]


def test_if_match_guards_a_definition(cast: Cast) -> None:
    made = cast.admin.post(fields_path(cast), FPS)
    path, etag = f"{fields_path(cast)}/{made.data['id']}", made.headers["ETag"]
    assert patch(cast.admin, path, {"required": True}, If_Match=etag).status == 200
    patch(cast.admin, path, {"required": False}, If_Match=etag).refused(412, "precondition-failed")
    cast.admin.call("DELETE", path, headers={"If-Match": etag}).refused(412, "precondition-failed")


def test_what_changes_nothing_is_no_new_version(cast: Cast) -> None:
    made = cast.admin.post(fields_path(cast), FPS)
    path = f"{fields_path(cast)}/{made.data['id']}"
    assert patch(cast.admin, path, {"max": 240, "required": False}).data == made.data


def test_a_repeated_definition_is_made_once(cast: Cast) -> None:
    answers = [cast.admin.post(fields_path(cast), FPS, headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].data == answers[1].data
