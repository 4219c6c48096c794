"""Creating projects, characters, scenes and segments."""

from __future__ import annotations

from typing import Any

import pytest

from domain import entity_creation
from domain.db import Database
from domain.entities import Kind
from domain.projects.models import PROJECTS
from domain.scenes.models import SCENES
from domain.segments.models import SEGMENTS
from domain.studio import ASSETS, KINDS
from tests.api.client import Answer, Client
from tests.api.conftest import Cast
from tests.factories import make_project, make_scene
from tests.support.stories import told
from tests.support.threads import at_once


def parent_of(database: Database, kind: Kind, project: Any) -> dict[str, str]:
    """The member that names the parent of a new entity."""
    if kind is PROJECTS:
        return {}
    return {"scene_id": make_scene(database, project)["id"]} if kind is SEGMENTS else {"project_id": project["id"]}


def create(client: Client, kind: Kind, **body: Any) -> Answer:
    return client.post(f"/{kind.plural}", body)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.object)
def test_it_works(cast: Cast, database: Database, kind: Kind) -> None:
    where = parent_of(database, kind, cast.project)
    answer = create(cast.admin, kind, name="Mara Voss", description="Keeper", external_ids={"kitsu": "7"}, **where)
    assert answer.status == 201
    shown = answer.data
    assert answer.headers["Location"] == f"/api/v1/{kind.plural}/{shown['id']}"
    assert answer.headers["ETag"] == f'"{shown["id"]}-1"'
    assert (shown["object"], shown["code"], shown["version"]) == (kind.object, "mara-voss", 1)
    assert shown["status"] == ("active" if kind is PROJECTS else "draft")
    assert shown["external_ids"] == {"kitsu": "7"}
    assert cast.admin.get(f"/{kind.plural}/{shown['id']}").data == shown
    [event] = told(database, shown["id"])
    assert (event["type"], event["data"], event["changes"]) == (f"{kind.object}.created", shown, {})
    assert event["project_id"] == (shown["id"] if kind is PROJECTS else cast.project["id"])
    assert event["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    "path",
    ["/projects/{project}/characters", "/projects/{project}/scenes", "/scenes/{scene}/segments"],
)
def test_a_nested_list_takes_what_is_made_in_it(cast: Cast, database: Database, path: str) -> None:
    scene = make_scene(database, cast.project)
    concrete = path.format(project=cast.project["id"], scene=scene["id"])
    made = cast.creator.post(concrete, {"name": "Here"}).data
    assert made["project_id"] == cast.project["id"]
    assert made["id"] in cast.creator.get(concrete).ids


def test_a_code_is_made_from_the_name_and_numbered_when_taken(cast: Cast) -> None:
    names = ["Mara Voss", "Mara Voss", "mara voss!", "Ünïcode Éa", "灯台", "x" * 200]
    made = [cast.creator.post("/characters", {"name": n, "project_id": cast.project["id"]}).data["code"] for n in names]
    assert made == ["mara-voss", "mara-voss-2", "mara-voss-3", "unicode-ea", "character", "x" * 92]


def test_many_at_once_get_codes_of_their_own(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits for its turn to count on, and finds the next code at once; who would wait for too long comes again."""
    monkeypatch.setattr(entity_creation, "CODE_ROUNDS", 2)
    body = {"name": "Extra", "project_id": cast.project["id"]}

    def post() -> list[str]:
        made: list[str] = []
        while len(made) < 5:
            answer = cast.creator.send("POST", "/characters", json=body)
            assert answer.status_code in (201, 503), answer.text
            made += [answer.get_json()["data"]["code"]] if answer.status_code == 201 else []
        return made

    cast.creator.get("/me")
    codes = [code for made in at_once(6, post) for code in made]
    assert sorted(codes) == sorted(["extra", *(f"extra-{n}" for n in range(2, 31))])


def test_a_position_follows_the_last_one(cast: Cast) -> None:
    project_id = cast.project["id"]
    scenes = [cast.creator.post("/scenes", {"name": "S", "project_id": project_id, **given}).data["position"]
              for given in ({}, {}, {"position": 5}, {"position": 2_147_483_647}, {})]  # fmt: skip
    assert scenes == [10, 20, 5, 2_147_483_647, 2_147_483_647]


LONG = "x" * 201
BAD: list[tuple[Kind, dict[str, Any], str, str]] = [
    *((kind, {"name": None}, "/name", "invalid") for kind in KINDS),
    (PROJECTS, {"name": ""}, "/name", "length"),
    (PROJECTS, {"name": "   "}, "/name", "length"),
    (PROJECTS, {"name": LONG}, "/name", "length"),
    (PROJECTS, {"name": 5}, "/name", "type"),
    (PROJECTS, {"code": "no spaces"}, "/code", "pattern"),
    (PROJECTS, {"code": "-dash"}, "/code", "pattern"),
    (PROJECTS, {"code": ""}, "/code", "pattern"),
    (PROJECTS, {"description": "x" * 20_001}, "/description", "length"),
    (PROJECTS, {"strict_metadata": "yes"}, "/strict_metadata", "type"),
    (PROJECTS, {"external_ids": {"Shot Grid": "1"}}, "/external_ids/Shot Grid", "name"),
    (PROJECTS, {"external_ids": {"a/b": "1"}}, "/external_ids/a~1b", "name"),
    (PROJECTS, {"external_ids": {"kitsu": ""}}, "/external_ids/kitsu", "length"),
    (PROJECTS, {"external_ids": {f"s{n}": "1" for n in range(21)}}, "/external_ids", "length"),
    (PROJECTS, {"external_ids": []}, "/external_ids", "type"),
    (PROJECTS, {"metadata": []}, "/metadata", "type"),
    (PROJECTS, {"id": "prj_0"}, "/id", "unknown_field"),
    (PROJECTS, {"status": "archived"}, "/status", "unknown_field"),
    (SCENES, {"position": 2**31}, "/position", "range"),
    (SCENES, {"position": "5"}, "/position", "type"),
    (SCENES, {"position": 1.5}, "/position", "type"),
    (SEGMENTS, {"frame_in": True}, "/frame_in", "type"),
    (SEGMENTS, {"frame_in": 20, "frame_out": 10}, "/frame_out", "range"),
    (SEGMENTS, {"project_id": "prj_0"}, "/project_id", "unknown_field"),
]


@pytest.mark.parametrize(("kind", "fields", "pointer", "code"), BAD, ids=lambda value: str(value)[:40])
def test_it_names_what_is_wrong(
    cast: Cast, database: Database, kind: Kind, fields: dict[str, Any], pointer: str, code: str
) -> None:
    body = {"name": "Mara", **parent_of(database, kind, cast.project), **fields}
    answer = create(cast.admin, kind, **body).refused(422, "invalid")
    assert pointer in answer.fields
    assert next(error["code"] for error in answer.document["errors"] if error["field"] == pointer) in (code, "required")
    assert answer.document["errors"][0]["message"].endswith(".")


@pytest.mark.parametrize("kind", ASSETS, ids=lambda kind: kind.object)
def test_the_parent_is_named_and_seen(cast: Cast, database: Database, kind: Kind) -> None:
    [pointer] = parent_of(database, kind, cast.project)
    foreign = parent_of(database, kind, cast.foreign_project)
    for given in ({}, foreign, {pointer: "nonsense"}, {pointer: None}, {pointer: ["prj"]}):
        assert create(cast.creator, kind, name="Mara", **given).refused(422, "invalid").fields == [f"/{pointer}"]


def test_a_taken_code_or_external_id_is_named(cast: Cast) -> None:
    body = {"name": "Mara", "code": "mara", "external_ids": {"kitsu": "7"}, "project_id": cast.project["id"]}
    holder = create(cast.creator, ASSETS[0], **body).data["id"]
    answer = create(cast.creator, ASSETS[0], **body, description="twice").refused(422, "invalid")
    assert answer.fields == ["/external_ids/kitsu"]
    assert holder in answer.document["errors"][0]["message"]
    answer = create(cast.creator, ASSETS[0], **{**body, "external_ids": {"kitsu": "8"}}).refused(422, "invalid")
    assert answer.fields == ["/code"]
    elsewhere = {**body, "project_id": cast.foreign_project["id"]}
    assert create(cast.admin, ASSETS[0], **elsewhere).status == 201
    assert create(cast.creator, ASSETS[0], **{**body, "code": "b", "external_ids": {"kitsu": "8"}}).status == 201


def test_nobody_learns_which_project_holds_an_external_id(cast: Cast, database: Database) -> None:
    held = create(cast.admin, PROJECTS, name="Secret", external_ids={"kitsu": "1"}).data["id"]
    path = f"/projects/{cast.project['id']}"
    answer = cast.creator.call("PATCH", path, json={"external_ids": {"kitsu": "1"}}).refused(422, "invalid")
    assert held not in answer.response.text


def test_nothing_is_added_to_what_is_archived(cast: Cast, database: Database) -> None:
    scene = make_scene(database, cast.project, status="archived")
    assert cast.creator.post("/segments", {"name": "S", "scene_id": scene["id"]}).refused(409, "conflict")
    archived = make_project(database, status="archived")
    assert cast.admin.post("/scenes", {"name": "S", "project_id": archived["id"]}).refused(409, "conflict")


def test_a_refused_creation_leaves_nothing(cast: Cast, database: Database) -> None:
    body = {"name": "Mara", "external_ids": {"kitsu": "7"}, "project_id": cast.project["id"]}
    cast.creator.post("/characters", {**body, "code": "mara"})
    cast.creator.post("/characters", {**body, "code": "mara", "external_ids": {"kitsu": "9"}}).refused(422, "invalid")
    assert cast.creator.post("/characters", {**body, "external_ids": {"kitsu": "9"}}).status == 201
