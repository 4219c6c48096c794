"""Lists in GraphQL: Relay's connections over the pages, filters and sorts of REST."""

from __future__ import annotations

from typing import Any

import pytest

from domain.db import Database
from tests.api.client import Client
from tests.api.conftest import Cast
from tests.api.graphql import ask, data_of
from tests.factories import make_character, make_field, make_project, make_scene, make_segment

LIST = """query ($first: Int, $after: String, $sort: String, $filter: [Filter!], $q: String) {
  scenes(first: $first, after: $after, sort: $sort, filter: $filter, q: $q) {
    edges { cursor node { id name } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount
  }
}"""
NESTED = """query ($first: Int, $after: String, $sort: String, $filter: [Filter!]) {
  projects { nodes { id scenes(first: $first, after: $after, sort: $sort, filter: $filter) {
    totalCount pageInfo { hasNextPage endCursor } edges { cursor node { id } } } } }
}"""


def walk(client: Client, **given: Any) -> list[str]:
    found: list[str] = []
    after = None
    while True:
        page = data_of(client, LIST, first=2, after=after, **given)["scenes"]
        found += [edge["node"]["id"] for edge in page["edges"]]
        info = page["pageInfo"]
        assert info["hasPreviousPage"] == (after is not None)
        if page["edges"]:
            assert (info["startCursor"], info["endCursor"]) == tuple(page["edges"][n]["cursor"] for n in (0, -1))
        if not info["hasNextPage"]:
            return found
        after = info["endCursor"]


SORTS = ("position", "-created_at,name", "name,-position", "-metadata.lens", "metadata.lens", "metadata.on", None)


@pytest.mark.parametrize("sort", SORTS)
def test_every_row_is_on_one_page(cast: Cast, database: Database, sort: str | None) -> None:
    make_field(database, cast.project, "scene", "lens", "integer")
    make_field(database, cast.project, "scene", "on", "datetime")
    for number in range(7):
        known: dict[str, Any] = {"lens": number % 3, "on": "2026-01-01T00:00:00.000Z"} if number % 2 else {}
        make_scene(database, cast.project, name=f"Scene {number % 4}", metadata=known)
    wanted = cast.viewer.get("/scenes", limit=200, **({"sort": sort} if sort else {})).ids
    assert walk(cast.viewer, sort=sort) == wanted


@pytest.mark.parametrize("sort", SORTS)
def test_any_edge_may_be_gone_on_from(cast: Cast, database: Database, sort: str | None) -> None:
    """In the list of each project at once, which one statement gives."""
    projects = [cast.project, make_project(database), make_project(database)]
    for project in projects:
        make_field(database, project, "scene", "lens", "integer")
        make_field(database, project, "scene", "on", "datetime")
        for number in range(5):
            known: dict[str, Any] = {"lens": number % 2, "on": "2026-01-01T00:00:00.000Z"} if number < 3 else {}
            make_scene(database, project, position=number, metadata=known)
    query = {"sort": sort} if sort else {}
    for project in data_of(cast.viewer, NESTED, first=5, sort=sort)["projects"]["nodes"]:
        edges = project["scenes"]["edges"]
        wanted = cast.viewer.get(f"/projects/{project['id']}/scenes", **query).ids
        assert [edge["node"]["id"] for edge in edges] == wanted
        assert project["scenes"]["totalCount"] == 5
        assert not project["scenes"]["pageInfo"]["hasNextPage"]
        for place, edge in enumerate(edges):
            again = data_of(cast.viewer, NESTED, first=2, sort=sort, after=edge["cursor"])["projects"]["nodes"]
            (mine,) = [each["scenes"] for each in again if each["id"] == project["id"]]
            assert [each["node"]["id"] for each in mine["edges"]] == wanted[place + 1 : place + 3]
            assert mine["pageInfo"]["hasNextPage"] == (place + 3 < 5)


def test_filters_are_those_of_rest(cast: Cast, database: Database) -> None:
    make_field(database, cast.project, "scene", "lens", "integer")
    scenes = [
        make_scene(database, cast.project, name=f"Storm {n}", position=n, metadata={"lens": n}, status="draft")
        for n in range(4)
    ]
    ids = [scene["id"] for scene in scenes]

    def found(*filters: dict[str, Any], **given: Any) -> list[str]:
        return walk(cast.viewer, filter=list(filters), **given)

    assert found({"field": "position", "op": "gte", "value": 2}) == ids[2:]
    assert found({"field": "position", "op": "in", "value": [0, 3]}) == [ids[0], ids[3]]
    assert found({"field": "metadata.lens", "value": 1}) == [ids[1]]
    assert found({"field": "metadata.lens", "op": "isnull", "value": True}) == []
    assert found({"field": "status", "value": "draft"}, {"field": "name", "op": "contains", "value": "m 2"}) == [ids[2]]
    assert found(q="STORM") == ids
    assert found({"field": "external_ids.shotgrid", "value": "1"}) == []


@pytest.mark.parametrize(
    "given",
    [
        {"sort": "nothing"},
        {"after": "no cursor"},
        {"filter": [{"field": "nothing", "value": 1}]},
        {"filter": [{"field": "position", "value": "first"}]},
        {"filter": [{"field": "position", "op": "contains", "value": 1}]},
        {"filter": [{"field": "position", "value": {"a": 1}}]},
        {"filter": [{"field": "name", "op": "in", "value": ["a,b"]}]},
        {"filter": [{"field": "limit", "value": 5}]},
        {"filter": [{"field": "expand", "value": "project"}]},
        {"filter": [{"field": "metadata.nothing", "value": 5}]},
        {"filter": [{"field": "name", "value": str(number)} for number in range(60)]},
        {"q": "  "},
    ],
)  # fmt: skip
def test_what_is_no_query_is_said_to_be_none(cast: Cast, given: dict[str, Any]) -> None:
    project = cast.project
    said = ask(cast.viewer, LIST, **given)
    assert said.codes == [(["scenes"], "bad-query")]
    if "q" not in given:
        said = ask(cast.viewer, NESTED, **given)
        assert said.codes == [(["projects", "nodes", 0, "scenes"], "bad-query")], project
        assert said.data["projects"]["nodes"] == [{"id": project["id"], "scenes": None}]


def test_lists_within_lists_are_each_ones_own(cast: Cast, database: Database) -> None:
    scenes = [make_scene(database, cast.project) for _ in range(3)]
    segments = {scene["id"]: [make_segment(database, scene)["id"] for _ in range(n)] for n, scene in enumerate(scenes)}
    character = make_character(database, cast.project)
    query = """{ projects { nodes { scenes { nodes { id segments(first: 1) { totalCount nodes { id scene { id } } } } }
      characters { nodes { id project { id } } } } } }"""
    (project,) = data_of(cast.viewer, query)["projects"]["nodes"]
    for scene in project["scenes"]["nodes"]:
        wanted = segments[scene["id"]]
        assert scene["segments"]["totalCount"] == len(wanted)
        assert scene["segments"]["nodes"] == [{"id": each, "scene": {"id": scene["id"]}} for each in wanted[:1]]
    assert project["characters"]["nodes"] == [{"id": character["id"], "project": {"id": cast.project["id"]}}]
