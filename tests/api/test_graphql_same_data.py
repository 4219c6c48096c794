"""REST and GraphQL show the same: for generated filters, sorts, pages and nested lists."""

from __future__ import annotations

import random
from typing import Any

import pytest

from domain.approvals.queries import APPROVALS
from domain.characters.models import CHARACTERS
from domain.db import Database, Row
from domain.entities import Kind
from domain.jobs.queries import JOBS
from domain.list_spec import ListSpec
from domain.projects.models import PROJECTS
from domain.scenes.models import SCENES
from domain.segments.models import SEGMENTS
from domain.studio import KINDS
from tests.api.client import Client
from tests.api.conftest import Cast
from tests.api.graphql import PATH, data_of
from tests.factories import make_approval, make_character, make_field, make_job, make_project, make_scene, make_segment

WORDS = ("storm", "lamp", "Mara", "cliff", "Ünlü")
STATUSES = ("draft", "in_review", "approved", "archived")


def populate(database: Database, project: Row, chance: random.Random) -> None:
    for kind in ("character", "scene", "segment"):
        make_field(database, project, kind, "lens", "integer")

    def fields() -> dict[str, Any]:
        known = {"lens": chance.randrange(4)} if chance.random() < 0.7 else {}
        return {"name": " ".join(chance.choices(WORDS, k=2)), "metadata": known, "status": chance.choice(STATUSES)}

    for _ in range(6):
        make_character(database, project, **fields())
        scene = make_scene(database, project, **{**fields(), "position": chance.randrange(4)})
        for _ in range(chance.randrange(4)):
            frames = {"frame_in": chance.choice((None, 1, 2)), "position": chance.randrange(3)}
            made = make_segment(database, scene, **{**fields(), **frames})
            for _ in range(chance.randrange(3)):
                make_job(database, made, status=chance.choice(("queued", "failed")), priority=chance.randrange(9))
            if made["status"] == "in_review":
                make_approval(database, SEGMENTS, made, note=chance.choice(WORDS))


@pytest.fixture
def studio(cast: Cast, database: Database) -> Cast:
    chance = random.Random(7)
    populate(database, cast.project, chance)
    for _ in range(2):
        populate(database, make_project(database), chance)
    return cast


# What of their members is asked for.
WITHIN = {
    "asset": "{ object id }",
    "target": "{ object id }",
    "decided_by": "{ type id name }",
    "submitted_by": "{ type id name }",
    "error": "{ code message }",
    "cost": "{ amount currency gpu_seconds units_in units_out }",
}


def members(spec: ListSpec) -> str:
    """Every member that REST shows of an object."""
    return " ".join(f"{name} {WITHIN.get(name, '')}" for name in spec.shown)


JOB, APPROVAL = members(JOBS), members(APPROVALS)


def some_filters(kind: Kind, chance: random.Random) -> list[dict[str, Any]]:
    known: list[dict[str, Any]] = [
        {"field": "status", "value": chance.choice(STATUSES)},
        {"field": "status", "op": "ne", "value": "archived"},
        {"field": "name", "op": "contains", "value": chance.choice(WORDS).lower()},
        {"field": "name", "op": "gt", "value": chance.choice(WORDS)},
        {"field": "version", "op": "in", "value": [1, 2]},
        {"field": "created_at", "op": "lte", "value": "2030-01-01T00:00:00Z"},
    ]
    if kind.object != "project":
        known += [
            {"field": "metadata.lens", "op": chance.choice(("gte", "ne", "lt")), "value": chance.randrange(4)},
            {"field": "metadata.lens", "op": "isnull", "value": chance.random() < 0.5},
        ]
    if kind is SEGMENTS:
        known.append({"field": "frame_in", "op": "isnull", "value": chance.random() < 0.5})
    return chance.sample(known, chance.randrange(3))


def some_sort(kind: Kind, chance: random.Random) -> str:
    if kind.object != "project" and chance.random() < 0.3:
        return chance.choice(("", "-")) + "metadata.lens"
    names = chance.sample(kind.listing.sortable, chance.randrange(1, 4))
    return ",".join(chance.choice(("", "-")) + name for name in names)


def as_query(filters: list[dict[str, Any]], sort: str) -> dict[str, str]:
    """As REST's parameters."""

    def text(value: Any) -> str:
        if isinstance(value, list):
            return ",".join(map(text, value))
        return str(value).lower() if isinstance(value, bool) else str(value)

    named = {f"{each['field']}[{each.get('op', 'eq')}]": text(each["value"]) for each in filters}
    return {**named, "sort": sort}


def rest(client: Client, path: str, **query: Any) -> Any:
    """What REST answers, or how it refuses."""
    answer = client.get(path, **query)
    return answer.document if answer.status == 200 else answer.document["detail"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.object)
def test_lists_are_the_same_page_by_page(studio: Cast, kind: Kind) -> None:
    chance = random.Random(kind.object)
    query = f"""query ($n: Int, $c: String, $s: String, $f: [Filter!], $q: String) {{
      page: {kind.plural}(first: $n, after: $c, sort: $s, filter: $f, q: $q) {{
        totalCount nodes {{ {members(kind.listing)} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
    for round_ in range(25):
        client = chance.choice((studio.viewer, studio.creator))
        filters, sort, first = some_filters(kind, chance), some_sort(kind, chance), chance.randrange(1, 9)
        words = {"q": chance.choice(WORDS)} if chance.random() < 0.3 else {}
        given, asked = {"n": first, "s": sort, "f": filters, **words}, {**as_query(filters, sort), **words}
        cursor: str | None = None
        while True:
            more = {} if cursor is None else {"cursor": cursor}
            wanted = rest(client, f"/{kind.plural}", limit=first, total="true", **asked, **more)
            said = client.post(PATH, {"query": query, "variables": {**given, "c": cursor}}).document
            if isinstance(wanted, str):
                assert said["errors"][0]["message"] == wanted
                break
            page = said["data"]["page"]
            assert page["nodes"] == wanted["data"], (round_, asked)
            assert page["totalCount"] == wanted["page"]["total"]
            cursor = wanted["page"]["next"]
            assert page["pageInfo"]["hasNextPage"] == (cursor is not None)
            if cursor is None:
                break
            assert page["pageInfo"]["endCursor"] == cursor


def test_nested_lists_are_the_same(studio: Cast) -> None:
    chance = random.Random(11)
    for _ in range(12):
        client = chance.choice((studio.viewer, studio.creator))
        given: dict[str, Any] = {"n": chance.randrange(1, 6)}
        for letter, kind in (("c", CHARACTERS), ("s", SCENES), ("g", SEGMENTS)):
            given |= {f"{letter}f": some_filters(kind, chance), f"{letter}s": some_sort(kind, chance)}
        query = f"""query ($n: Int, $cf: [Filter!], $cs: String, $sf: [Filter!], $ss: String, $gf: [Filter!],
          $gs: String) {{ projects {{ nodes {{ {members(PROJECTS.listing)}
            characters(first: $n, filter: $cf, sort: $cs) {{ nodes {{ {members(CHARACTERS.listing)} }} }}
            scenes(first: $n, filter: $sf, sort: $ss) {{ nodes {{ {members(SCENES.listing)}
              project {{ {members(PROJECTS.listing)} }}
              segments(first: $n, filter: $gf, sort: $gs) {{ nodes {{ {members(SEGMENTS.listing)}
                approvals(first: 2) {{ nodes {{ {APPROVAL} }} }} }} }} }} }} }} }} }}"""
        found = data_of(client, query, **given)["projects"]["nodes"]
        assert [without(each, "characters", "scenes") for each in found] == client.get("/projects").data
        for project in found:
            check_project(client, project, given)


def test_jobs_are_the_same(studio: Cast) -> None:
    chance = random.Random(13)
    query = f"""query ($n: Int, $c: String, $s: String, $f: [Filter!]) {{
      jobs(first: $n, after: $c, sort: $s, filter: $f) {{ nodes {{ {JOB} }} pageInfo {{ endCursor hasNextPage }} }}
      segments(first: 30) {{ nodes {{ id jobs(first: 2, sort: $s) {{ nodes {{ {JOB} }} }} }} }} }}"""
    for _ in range(10):
        client, sort = (
            chance.choice((studio.viewer, studio.creator)),
            chance.choice(("priority", "-created_at", "kind")),
        )
        filters: list[dict[str, Any]] = [{"field": "priority", "op": "gte", "value": chance.randrange(9)}]
        if chance.random() < 0.5:
            filters = [{"field": "status", "value": "failed"}]
        cursor: str | None = None
        while True:
            shown = data_of(client, query, n=5, c=cursor, s=sort, f=filters)
            more: dict[str, str] = {} if cursor is None else {"cursor": cursor}
            wanted = client.get("/jobs", limit=5, **as_query(filters, sort), **more)
            assert shown["jobs"]["nodes"] == wanted.data
            for segment in shown["segments"]["nodes"]:
                mine = client.get(f"/segments/{segment['id']}/jobs", limit=2, sort=sort).data
                assert segment["jobs"]["nodes"] == mine
            cursor = wanted.document["page"]["next"]
            if cursor is None:
                break
            assert shown["jobs"]["pageInfo"]["endCursor"] == cursor


def without(shown: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in shown.items() if name not in names}


def check_project(client: Client, project: dict[str, Any], given: dict[str, Any]) -> None:
    path, limit = f"/projects/{project['id']}", given["n"]
    query = as_query(given["cf"], given["cs"])
    assert project["characters"]["nodes"] == client.get(f"{path}/characters", limit=limit, **query).data
    query = as_query(given["sf"], given["ss"])
    scenes = [without(scene, "segments") for scene in project["scenes"]["nodes"]]
    assert scenes == client.get(f"{path}/scenes", limit=limit, expand="project", **query).data
    query = as_query(given["gf"], given["gs"])
    for scene in project["scenes"]["nodes"]:
        segments = [without(segment, "approvals") for segment in scene["segments"]["nodes"]]
        assert segments == client.get(f"/scenes/{scene['id']}/segments", limit=limit, **query).data
        for segment in scene["segments"]["nodes"]:
            wanted = client.get(f"/segments/{segment['id']}/approvals", limit=2).data
            assert segment["approvals"]["nodes"] == wanted
