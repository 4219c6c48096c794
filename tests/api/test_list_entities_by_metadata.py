"""GET /metadata: entities of every kind in one list."""

from __future__ import annotations

import pytest

from domain.db import Database, Row
from tests.api.conftest import Cast
from tests.api.test_statement_counts import statements
from tests.factories import make_character, make_field, make_project, make_scene, make_segment


@pytest.fixture
def made(cast: Cast, database: Database) -> dict[str, Row]:
    """An entity of each kind, all of one project; names in the order in which the kinds are named here."""
    project = cast.project
    for entity in ("character", "scene", "segment"):
        make_field(database, project, entity, "fps", "number")
    create = cast.admin.post
    known = {"metadata": {"fps": 24, "hat": "none"}, "external_ids": {"shotgrid": "1042"}}
    character = create(f"/projects/{project['id']}/characters", {"name": "W", **known})
    scene = create(f"/projects/{project['id']}/scenes", {"name": "X", "metadata": {"fps": 25}})
    segment = create(f"/scenes/{scene.data['id']}/segments", {"name": "Y", "metadata": {"fps": 23.976}})
    return {"project": project, "character": character.data, "scene": scene.data, "segment": segment.data}


def test_it_works(cast: Cast, made: dict[str, Row]) -> None:
    answer = cast.viewer.get("/metadata", limit=1, sort="-name")
    [row] = answer.data
    segment = made["segment"]
    shared = ("id", "object", "project_id", "name", "code", "status", "metadata", "created_at", "updated_at", "version")
    assert row == {name: segment[name] for name in shared}
    rest = cast.viewer.get("/metadata", sort="-name", cursor=answer.document["page"]["next"], total="true")
    assert rest.ids == [made[noun]["id"] for noun in ("scene", "character", "project")]
    assert rest.document["page"]["total"] == 4


def test_a_project_is_in_itself(cast: Cast, made: dict[str, Row]) -> None:
    project = made["project"]
    [row] = cast.viewer.get("/metadata", object="project").data
    assert row["project_id"] == row["id"] == project["id"]
    assert len(cast.viewer.get("/metadata", project_id=project["id"]).ids) == 4


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"metadata.fps": "24"}, ["character"]),
        ({"metadata.fps[gt]": "23.976"}, ["character", "scene"]),
        ({"metadata.fps[gte]": "23.976", "object[in]": "scene,segment"}, ["scene", "segment"]),
        ({"metadata.fps[in]": "24,25"}, ["character", "scene"]),
        ({"metadata.fps[isnull]": "true"}, ["project"]),
        ({"sort": "metadata.fps"}, ["segment", "character", "scene", "project"]),
        ({"sort": "-metadata.fps", "metadata.fps[lt]": "25"}, ["character", "segment"]),
        ({"key": "hat"}, ["character"]),
        ({"key": "fps", "object": "scene"}, ["scene"]),
        ({"key[in]": "hat,fps"}, ["character", "scene", "segment"]),
        ({"key": "fps'\"] OR 1"}, []),
        ({"object[ne]": "project"}, ["character", "scene", "segment"]),
        ({"external_ids.shotgrid": "1042"}, ["character"]),
        ({"external_ids.shotgrid[isnull]": "true", "object": "scene"}, ["scene"]),
        ({"name": "X"}, ["scene"]),
        ({"q": "y"}, ["segment"]),
        ({"status": "active"}, ["project"]),
    ],
    ids=str,
)
def test_it_is_filtered_and_sorted(cast: Cast, made: dict[str, Row], query: dict[str, str], found: list[str]) -> None:
    ids = cast.viewer.get("/metadata", **query).ids
    assert (ids if "sort" in query else sorted(ids)) == (
        [made[noun]["id"] for noun in found] if "sort" in query else sorted(made[noun]["id"] for noun in found)
    )


@pytest.mark.parametrize(
    "query",
    [{"object": "job"}, {"key[gt]": "a"}, {"sort": "key"}, {"metadata.none": "1"}, {"metadata.fps": "x"}, {"hat": "1"}],
    ids=str,
)
def test_it_refuses(cast: Cast, made: dict[str, Row], query: dict[str, str]) -> None:
    cast.viewer.get("/metadata", **query).refused(400, "bad-query")


def test_it_keeps_to_what_the_caller_sees(cast: Cast, database: Database, made: dict[str, Row]) -> None:
    assert len(cast.creator.get("/metadata").ids) == len(made)
    hidden = make_character(database, cast.foreign_project, metadata={"hat": "fedora"})
    assert set(cast.stranger.get("/metadata").ids) == {cast.foreign_project["id"], hidden["id"]}
    assert cast.stranger.get("/metadata", key="hat").ids == [hidden["id"]]
    cast.stranger.get("/metadata", **{"metadata.fps": "24"}).refused(400, "bad-query")


def test_its_pages_hold_every_row_once(cast: Cast, database: Database) -> None:
    for _ in range(3):
        project = make_project(database)
        for _ in range(4):
            make_character(database, project, name="same")
            make_segment(database, make_scene(database, project, name="same"), name="same")
    whole = cast.admin.get("/metadata", limit=200).ids
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = cast.admin.get("/metadata", limit=7, **({"cursor": cursor} if cursor else {}))
        seen += page.ids
        cursor = page.document["page"]["next"]
    assert seen == whole
    assert len(set(seen)) == 3 + 3 * 12


def test_it_costs_the_same_for_one_row_and_for_many(cast: Cast, database: Database, made: dict[str, Row]) -> None:
    few = statements(cast.admin, database, "GET", "/metadata")
    for _ in range(20):
        make_character(database, cast.project, metadata={"fps": 24})
    assert len(few) == len(statements(cast.admin, database, "GET", "/metadata")) == 2
    assert len(statements(cast.admin, database, "GET", "/metadata?metadata.fps=24")) == 3
