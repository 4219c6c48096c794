"""Changing, submitting and archiving; preconditions; finding and making by external id."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from domain.characters.models import CHARACTERS
from domain.db import Database
from domain.entities import ASSET_STATUSES, Kind
from domain.projects.models import PROJECTS
from domain.studio import ASSETS, KINDS
from tests.api.client import Answer, Client
from tests.api.conftest import Cast
from tests.factories import make_asset, make_character, make_scene, make_segment
from tests.support.stories import told, types_told


def patch(client: Client, path: str, body: Any, **headers: str) -> Answer:
    return client.call("PATCH", path, json=body, headers={name.replace("_", "-"): v for name, v in headers.items()})


def make(cast: Cast, database: Database, kind: Kind) -> str:
    """The path of an entity of this kind."""
    row = cast.project if kind is PROJECTS else make_asset(database, kind, cast.project, status="draft")
    return f"/{kind.plural}/{row['id']}"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.object)
def test_it_works(cast: Cast, database: Database, kind: Kind) -> None:
    path = make(cast, database, kind)
    before = cast.creator.get(path).data
    answer = patch(cast.creator, path, {"name": "New", "description": "Better"})
    assert answer.status == 200
    assert answer.data == {**before, "name": "New", "description": "Better", "version": 2}
    assert answer.headers["ETag"] == f'"{before["id"]}-2"'
    [event] = told(database, before["id"])
    assert event["type"] == f"{kind.object}.updated"
    assert event["data"] == answer.data
    assert event["changes"] == {
        "name": {"from": before["name"], "to": "New"},
        "description": {"from": "", "to": "Better"},
    }


def test_what_is_given_as_it_was_changes_nothing(cast: Cast, database: Database) -> None:
    path = make(cast, database, CHARACTERS)
    before = cast.creator.get(path).data
    same: list[dict[str, Any]] = [
        {},
        {"name": before["name"]},
        {"metadata": {}, "external_ids": {}},
        {"status": "draft"},
    ]
    for body in same:
        assert patch(cast.creator, path, body).data == before
    assert types_told(database, before["id"]) == []


def test_each_kind_of_change_is_told_alone(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project, status="draft", metadata={"hair": "red"})
    path = f"/characters/{character['id']}"
    body = {"name": "New", "metadata": {"hair": None, "height_cm": 171}, "status": "in_review"}
    assert patch(cast.creator, path, body).data["version"] == 2
    bodies = told(database, character["id"])
    assert [body["type"] for body in bodies] == ["character.updated", "asset.submitted", "metadata.updated"]
    assert bodies[1]["changes"] == {"status": {"from": "draft", "to": "in_review"}}
    changes = {"metadata.hair": {"from": "red", "to": None}, "metadata.height_cm": {"from": None, "to": 171}}
    assert bodies[2]["changes"] == changes


def test_external_ids_and_metadata_are_merged(cast: Cast, database: Database) -> None:
    path = make(cast, database, CHARACTERS)
    patch(cast.creator, path, {"external_ids": {"kitsu": "1", "ayon": "2"}, "metadata": {"a": 1, "b": 2}})
    shown = patch(cast.creator, path, {"external_ids": {"kitsu": None, "ftrack": "3"}, "metadata": {"a": None}}).data
    assert (shown["external_ids"], shown["metadata"]) == ({"ayon": "2", "ftrack": "3"}, {"b": 2})
    assert cast.creator.get("/characters/by-external/kitsu/1").status == 404
    assert cast.creator.get("/characters/by-external/ftrack/3").data == shown


@pytest.mark.parametrize("status", ASSET_STATUSES)
def test_creators_submit_and_no_more(cast: Cast, database: Database, status: str) -> None:
    for kind in ASSETS:
        for wanted in ASSET_STATUSES:
            row = make_asset(database, kind, cast.project, status=status)
            answer = patch(cast.creator, f"/{kind.plural}/{row['id']}", {"status": wanted})
            if wanted == status or (wanted == "in_review" and status in ("draft", "changes_requested", "rejected")):
                assert (answer.status, answer.data["status"]) == (200, wanted)
            else:
                possible = ["in_review"] if status in ("draft", "changes_requested", "rejected") else []
                assert answer.refused(409, "conflict").document["allowed"] == possible


def test_a_status_that_is_none_is_named(cast: Cast, database: Database) -> None:
    answer = patch(cast.creator, make(cast, database, CHARACTERS), {"status": "finished"})
    assert answer.refused(422, "invalid").fields == ["/status"]


def test_an_asset_goes_all_the_way(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project, status="draft")
    path = f"/characters/{character['id']}"
    for decision in ("changes_requested", "rejected", "approved"):
        assert patch(cast.creator, path, {"status": "in_review"}).status == 200
        assert cast.reviewer.post(f"{path}/approvals", {"decision": decision, "note": "Look."}).status == 201
    patch(cast.creator, path, {"status": "in_review"}).refused(409, "conflict")
    assert [row["decision"] for row in cast.viewer.get(f"{path}/approvals").data] == [
        "approved", "rejected", "changes_requested",
    ]  # fmt: skip
    assert types_told(database, character["id"]) == [
        "asset.submitted", "asset.changes_requested", "asset.submitted", "asset.rejected",
        "asset.submitted", "asset.approved",
    ]  # fmt: skip


def test_a_project_is_archived_and_comes_back(cast: Cast, database: Database) -> None:
    path = f"/projects/{cast.project['id']}"
    assert patch(cast.creator, path, {"status": "archived"}).data["status"] == "archived"
    assert patch(cast.creator, path, {"status": "active"}).data["status"] == "active"
    assert types_told(database, cast.project["id"]) == ["project.archived", "project.updated"]


def test_who_defines_fields_says_whether_there_may_be_others(cast: Cast) -> None:
    path = f"/projects/{cast.project['id']}"
    patch(cast.creator, path, {"strict_metadata": True}).refused(403, "forbidden")
    assert patch(cast.admin, path, {"strict_metadata": True}).data["strict_metadata"] is True
    assert patch(cast.creator, path, {"strict_metadata": True, "name": "New"}).status == 200


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.object)
def test_archiving(cast: Cast, database: Database, kind: Kind) -> None:
    path = make(cast, database, kind)
    first = cast.creator.call("DELETE", path)
    assert (first.status, first.data["status"], first.data["version"]) == (200, "archived", 2)
    again = cast.creator.call("DELETE", path)
    assert (again.status, again.data) == (200, first.data)
    assert types_told(database, first.data["id"]) == [f"{kind.object}.archived"]
    assert cast.creator.get(path).data["status"] == "archived"


def test_a_segment_may_move_within_its_project(cast: Cast, database: Database) -> None:
    segment = make_segment(database, make_scene(database, cast.project), frame_in=10, frame_out=20)
    path, other = f"/segments/{segment['id']}", make_scene(database, cast.project)
    assert patch(cast.creator, path, {"scene_id": other["id"]}).data["scene_id"] == other["id"]
    foreign = make_scene(database, cast.foreign_project)
    for wrong in (foreign["id"], "nonsense"):
        assert patch(cast.admin, path, {"scene_id": wrong}).refused(422, "invalid").fields == ["/scene_id"]
    assert patch(cast.admin, path, {"frame_in": 30}).refused(422, "invalid").fields == ["/frame_out"]
    assert patch(cast.admin, path, {"frame_out": None, "frame_in": 30}).data["frame_out"] is None


def test_a_taken_code_is_named(cast: Cast, database: Database) -> None:
    make_character(database, cast.project, code="mara")
    answer = patch(cast.creator, make(cast, database, CHARACTERS), {"code": "mara"})
    assert answer.refused(422, "invalid").fields == ["/code"]


IF_MATCH = [
    ('"{id}-1"', 200), ('"{id}-1", "{id}-7"', 200), ("*", 200), ('"{id}-1-0a1b2c3d"', 200),
    ('"{id}-2"', 412), ('W/"{id}-1"', 412), ('"chr_00000000000000000000000000-1"', 412), ('"nonsense"', 412),
    ("nonsense", 412), ("", 412), ('"{id}-99999999999999999999"', 412),
]  # fmt: skip


@pytest.mark.parametrize(("tag", "status"), IF_MATCH)
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_it_honours_if_match(cast: Cast, database: Database, method: str, tag: str, status: int) -> None:
    character = make_character(database, cast.project)
    headers = {"If-Match": tag.format(id=character["id"])}
    body: dict[str, Any] = {"json": {"name": "New"}} if method == "PATCH" else {}
    answer = cast.creator.call(method, f"/characters/{character['id']}", headers=headers, **body)
    assert answer.status == status
    if status == 412:
        answer.refused(412, "precondition-failed")
        assert cast.creator.get(f"/characters/{character['id']}").data["version"] == 1


def test_of_many_who_read_the_same_version_one_writes(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    path, tag = f"/characters/{character['id']}", f'"{character["id"]}-1"'
    cast.creator.get("/me")
    statuses: list[int] = []

    def write(number: int) -> None:
        body = {"name": f"By {number}"}
        statuses.append(cast.creator.send("PATCH", path, json=body, headers={"If-Match": tag}).status_code)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, *[412] * 7]


def put(client: Client, path: str, body: Any, **headers: str) -> Answer:
    return client.call("PUT", path, json=body, headers={name.replace("_", "-"): v for name, v in headers.items()})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.object)
def test_it_is_made_once_and_then_changed_by_its_external_id(cast: Cast, database: Database, kind: Kind) -> None:
    parents = {
        "project": {}, "segment": {"scene_id": make_scene(database, cast.project)["id"]},
    }  # fmt: skip
    where = parents.get(kind.object, {"project_id": cast.project["id"]})
    path = f"/{kind.plural}/by-external/shotgrid/1042"
    cast.admin.get(path).refused(404, "not-found")
    put(cast.admin, path, {"name": "Mara", **where}, If_Match="*").refused(412, "precondition-failed")
    made = put(cast.admin, path, {"name": "Mara", **where})
    assert made.status == 201
    assert made.data["external_ids"] == {"shotgrid": "1042"}
    assert made.headers["Location"] == f"/api/v1/{kind.plural}/{made.data['id']}"
    put(cast.admin, path, {"name": "Mara", **where}, If_None_Match="*").refused(412, "precondition-failed")
    changed = put(cast.admin, path, {"name": "Mara Voss", **where})
    assert (changed.status, changed.data["id"], changed.data["version"]) == (200, made.data["id"], 2)
    assert put(cast.admin, path, {"description": "x"}).data["name"] == "Mara Voss"
    found = cast.admin.get(path)
    assert (found.data["description"], found.headers["ETag"]) == ("x", f'"{made.data["id"]}-3"')


def test_an_external_id_is_a_projects_own(cast: Cast, database: Database) -> None:
    path = "/characters/by-external/kitsu/7"
    ours = put(cast.admin, path, {"name": "Ours", "project_id": cast.project["id"]}).data
    theirs = put(cast.admin, path, {"name": "Theirs", "project_id": cast.foreign_project["id"]})
    assert theirs.status == 201
    assert cast.creator.get(path).data == ours
    assert put(cast.creator, path, {"name": "Still ours"}).data["id"] == ours["id"]
    cast.admin.get(path).refused(409, "conflict")
    put(cast.admin, path, {"name": "Whose?"}).refused(409, "conflict")
    chosen = put(cast.admin, path, {"name": "Theirs again", "project_id": cast.foreign_project["id"]})
    assert (chosen.status, chosen.data["id"]) == (200, theirs.data["id"])


def test_a_creation_by_external_id_needs_what_a_creation_needs(cast: Cast) -> None:
    path = "/characters/by-external/kitsu/7"
    assert set(put(cast.creator, path, {}).refused(422, "invalid").fields) == {"/name", "/project_id"}
    foreign = {"name": "Mara", "project_id": cast.foreign_project["id"]}
    assert put(cast.creator, path, foreign).refused(422, "invalid").fields == ["/project_id"]
    wrong = put(cast.creator, "/characters/by-external/Not%20It/7", {"name": "M", "project_id": cast.project["id"]})
    assert wrong.refused(422, "invalid").fields == ["/external_ids/Not It"]


def test_many_who_put_the_same_make_one(cast: Cast, database: Database) -> None:
    answers: list[tuple[int, str]] = []
    cast.creator.get("/me")
    project_id = cast.project["id"]

    def write(number: int) -> None:
        body = {"name": f"By {number}", "project_id": project_id}
        response = cast.creator.send("PUT", "/characters/by-external/kitsu/7", json=body)
        answers.append((response.status_code, response.get_json().get("data", {}).get("id", response.text)))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(status for status, _ in answers) == [*[200] * 7, 201]
    assert len({entity_id for _, entity_id in answers}) == 1
