"""GET /projects, /characters, /scenes, /segments, and their lists under a project or a scene."""

from __future__ import annotations

import pytest

from domain.db import Database
from domain.entities import ASSET_STATUSES, Kind
from domain.filters import LARGEST_IN
from domain.listing import MOST_PARAMETERS
from domain.projects.models import PROJECTS
from domain.scenes.models import SCENES
from domain.segments.models import SEGMENTS
from domain.studio import ASSETS, KINDS
from tests.api.client import Answer
from tests.api.conftest import Cast
from tests.api.walking import forged, walk
from tests.factories import make_asset, make_character, make_project, make_scene, make_segment, shown
from tests.support.clock import NOON


def names(answer: Answer) -> list[str]:
    return [row["name"] for row in answer.data]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.object)
def test_it_works(cast: Cast, database: Database, kind: Kind) -> None:
    row = cast.project if kind is PROJECTS else make_asset(database, kind, cast.project)
    answer = cast.creator.get(f"/{kind.plural}")
    assert answer.status == 200
    assert answer.document == {"data": [shown(kind, row)], "page": {"next": None, "limit": 50}}
    assert "Link" not in answer.headers
    assert answer.audit["route"] == f"/api/v1/{kind.plural}"


@pytest.mark.parametrize("kind", ASSETS, ids=lambda kind: kind.object)
def test_it_shows_a_project_key_its_projects_only(cast: Cast, database: Database, kind: Kind) -> None:
    ours = make_asset(database, kind, cast.project)
    theirs = make_asset(database, kind, cast.foreign_project)
    assert cast.creator.get(f"/{kind.plural}").ids == [ours["id"]]
    assert cast.stranger.get(f"/{kind.plural}").ids == [theirs["id"]]
    assert set(cast.admin.get(f"/{kind.plural}").ids) == {ours["id"], theirs["id"]}
    assert cast.creator.get(f"/{kind.plural}", project_id=cast.foreign_project["id"]).ids == []
    assert cast.creator.get(f"/{kind.plural}", **{"project_id[ne]": cast.project["id"]}).ids == []


@pytest.mark.parametrize("kind", ASSETS, ids=lambda kind: kind.object)
def test_it_lists_what_a_project_holds(cast: Cast, database: Database, kind: Kind) -> None:
    row = make_asset(database, kind, cast.project)
    make_asset(database, kind, cast.foreign_project)
    assert cast.admin.get(f"/projects/{cast.project['id']}/{kind.plural}").ids == [row["id"]]


def test_it_lists_the_segments_of_a_scene(cast: Cast, database: Database) -> None:
    scene = make_scene(database, cast.project)
    rows = [make_segment(database, scene, position=position) for position in (20, 10)]
    make_segment(database, make_scene(database, cast.project))
    assert cast.viewer.get(f"/scenes/{scene['id']}/segments").ids == [rows[1]["id"], rows[0]["id"]]


@pytest.mark.parametrize("kind", ASSETS, ids=lambda kind: kind.object)
def test_it_refuses_the_list_of_a_foreign_project(cast: Cast, kind: Kind) -> None:
    cast.reviewer.get(f"/projects/{cast.foreign_project['id']}/{kind.plural}").refused(404, "not-found")


def test_it_refuses_the_segments_of_a_foreign_scene(cast: Cast, database: Database) -> None:
    scene = make_scene(database, cast.foreign_project)
    cast.reviewer.get(f"/scenes/{scene['id']}/segments").refused(404, "not-found")


def test_it_sorts_text_by_code_point(cast: Cast, database: Database) -> None:
    for name in ("éa", "b", "B", "_", "a", "😀", "\uffee"):
        make_character(database, cast.project, name=name)
    assert names(cast.viewer.get("/characters")) == ["B", "_", "a", "b", "éa", "\uffee", "😀"]


@pytest.mark.parametrize(("sort", "expected"), [("frame_in", [1, 2, None]), ("-frame_in", [2, 1, None])])
def test_it_sorts_nothing_last(cast: Cast, database: Database, sort: str, expected: list[int | None]) -> None:
    scene = make_scene(database, cast.project)
    for frame in (None, 2, 1):
        make_segment(database, scene, frame_in=frame)
    assert [row["frame_in"] for row in cast.viewer.get("/segments", sort=sort).data] == expected


@pytest.mark.parametrize("kind", [SCENES, SEGMENTS], ids=lambda kind: kind.object)
def test_it_lists_by_position_then_id_by_default(cast: Cast, database: Database, kind: Kind) -> None:
    rows = [make_asset(database, kind, cast.project, position=position) for position in (2, 1, 1)]
    assert cast.viewer.get(f"/{kind.plural}").ids == [rows[1]["id"], rows[2]["id"], rows[0]["id"]]


FILTERS: dict[str, list[str]] = {
    "name=Mara": ["Mara"],
    "name[eq]=Mara": ["Mara"],
    "name[ne]=Mara": ["Ivo", "Tomas"],
    "name[gt]=Ivo": ["Mara", "Tomas"],
    "name[gte]=Mara": ["Mara", "Tomas"],
    "name[lt]=Mara": ["Ivo"],
    "name[lte]=Mara": ["Ivo", "Mara"],
    "name[in]=Mara,Tomas,Nobody": ["Mara", "Tomas"],
    "name[contains]=ma": ["Mara", "Tomas"],
    "name[contains]=%25": [],
    "name[contains]=_": [],
    "name[isnull]=true": [],
    "name[isnull]=false": ["Ivo", "Mara", "Tomas"],
    "status=approved&name[ne]=Mara": ["Tomas"],
    "name=Mara&name=Ivo": [],
    "version[gte]=2": ["Tomas"],
    "version[in]=1,2": ["Ivo", "Mara", "Tomas"],
    "version[lt]=-2147483647": [],
    "created_at[gt]=2026-03-01T12:00:00Z": ["Tomas"],
    "created_at=2026-03-01T13:00:00%2B01:00": ["Ivo", "Mara"],
    "created_at[lt]=0001-01-01T00:00:00Z": [],
    "created_at[lt]=9999-12-31T23:59:59.999999Z": ["Ivo", "Mara", "Tomas"],
}


@pytest.mark.parametrize("query", FILTERS)
def test_it_filters(cast: Cast, database: Database, query: str) -> None:
    make_character(database, cast.project, name="Mara", status="approved")
    make_character(database, cast.project, name="Ivo", status="draft")
    later = NOON.replace(hour=13)
    make_character(database, cast.project, name="Tomas", status="approved", version=2, created_at=later)
    assert names(cast.viewer.call("GET", f"/characters?{query}")) == FILTERS[query]


# What a bad parameter is, and what the answer must name.
BAD_PARAMETERS: dict[str, tuple[str, str]] = {
    "colour=red": ("colour", "`status`"),
    "description=x": ("description", "`status`"),
    "password_hash=x": ("password_hash", "`status`"),
    "name[like]=x": ("name[like]", "`contains`"),
    "name[]=x": ("name[]", "`contains`"),
    "name[eq=x": ("name[eq", "`limit`"),
    "name[eq][ne]=x": ("name[eq][ne]", "`contains`"),
    "[eq]=x": ("[eq]", "`limit`"),
    "name%00=x": ("name\0", "`limit`"),
    "created_at[contains]=2026": ("created_at[contains]", "`gt`"),
    "version=one": ("version", "whole number"),
    "version=99999999999999999999": ("version", "whole number"),
    "version=2147483648": ("version", "whole number"),
    "version=%C2%B2": ("version", "whole number"),
    "version=1.5": ("version", "whole number"),
    "version=": ("version", "whole number"),
    "created_at=yesterday": ("created_at", "2026-01-01T00:00:00Z"),
    "created_at=2026-01-01": ("created_at", "2026-01-01T00:00:00Z"),
    "created_at=0001-01-01T00:00:00%2B23:59": ("created_at", "2026-01-01T00:00:00Z"),
    "name=%00": ("name", "NUL"),
    "name[isnull]=maybe": ("name[isnull]", "`true` or `false`"),
    "limit=0": ("limit", "from 1 to 200"),
    "limit=201": ("limit", "from 1 to 200"),
    "limit=-1": ("limit", "from 1 to 200"),
    "limit=": ("limit", "from 1 to 200"),
    "limit=ten": ("limit", "from 1 to 200"),
    "limit=%C2%B2": ("limit", "from 1 to 200"),
    "limit=0000000019999999": ("limit", "from 1 to 200"),
    "limit=000000001" + "9" * 5000: ("limit", "from 1 to 200"),
    "limit=1&limit=2": ("limit", "twice"),
    "sort=colour": ("sort", "`created_at`"),
    "sort=--name": ("sort", "`created_at`"),
    "sort=name,": ("sort", "`created_at`"),
    "sort=name,name": ("sort", "twice"),
    "sort=name,-name": ("sort", "twice"),
    "sort=name;DROP TABLE projects": ("sort", "`created_at`"),
    "sort=(SELECT 1)": ("sort", "`created_at`"),
    "sort=random()": ("sort", "`created_at`"),
    "sort=name&sort=id": ("sort", "twice"),
    "cursor=nonsense": ("cursor", "page.next"),
    "cursor=%00": ("cursor", "page.next"),
    "cursor=%C3%A9": ("cursor", "page.next"),
    "cursor=AAAA&cursor=AAAA": ("cursor", "twice"),
}


@pytest.mark.parametrize("query", BAD_PARAMETERS, ids=lambda query: query[:40])
def test_it_refuses_a_bad_parameter_and_names_what_is_allowed(cast: Cast, query: str) -> None:
    parameter, named = BAD_PARAMETERS[query]
    answer = cast.viewer.call("GET", f"/characters?{query}").refused(400, "bad-query")
    assert answer.document["parameter"] == parameter
    assert named in answer.document["detail"]


def test_it_refuses_more_values_than_a_database_could_take(cast: Cast) -> None:
    most = ",".join(["x"] * LARGEST_IN)
    assert cast.viewer.get("/characters", **{"name[in]": most}).status == 200
    answer = cast.viewer.get("/characters", **{"name[in]": f"{most},x"}).refused(400, "bad-query")
    assert str(LARGEST_IN) in answer.document["detail"]


def test_it_refuses_more_conditions_than_a_database_could_take(cast: Cast) -> None:
    most = "&".join(["name[ne]=x"] * MOST_PARAMETERS)
    assert cast.viewer.call("GET", f"/characters?{most}").status == 200
    cast.viewer.call("GET", f"/characters?{most}&name=x").refused(400, "bad-query")


def test_it_refuses_an_address_that_is_too_long(cast: Cast) -> None:
    cast.viewer.call("GET", "/characters?name=" + "x" * 17_000).refused(414, "uri-too-long")


def make_mixture(database: Database, cast: Cast) -> None:
    """Segments with every value twice, and none at all where a column allows it."""
    scene = make_scene(database, cast.project)
    for number in range(5):
        make_segment(
            database, scene, name=f"Shot {number % 2}", position=number % 3, version=number % 2 + 1,
            frame_in=None if number % 2 else number, frame_out=None, status=ASSET_STATUSES[number % 3],
            created_at=NOON.replace(microsecond=number // 2 * 333), updated_at=NOON.replace(second=number % 2),
        )  # fmt: skip


@pytest.mark.parametrize("direction", ["", "-"])
@pytest.mark.parametrize("field", SEGMENTS.listing.sortable)
def test_its_pages_hold_every_row_once(cast: Cast, database: Database, field: str, direction: str) -> None:
    make_mixture(database, cast)
    whole = cast.viewer.get("/segments", sort=direction + field, limit=200).data
    assert walk(cast.viewer, "/segments", sort=direction + field) == whole
    assert len({row["id"] for row in whole}) == 5
    values = [row[field] for row in whole if row[field] is not None]
    assert values == sorted(values, reverse=bool(direction))


@pytest.mark.parametrize("sort", ["-frame_in,name", "name,-position", "frame_out,-frame_in,id", "status,-version,-id"])
def test_its_pages_hold_every_row_once_in_a_mixed_order(cast: Cast, database: Database, sort: str) -> None:
    make_mixture(database, cast)
    assert walk(cast.viewer, "/segments", 1, sort=sort) == cast.viewer.get("/segments", sort=sort).data


@pytest.mark.parametrize("sort", ["name", "-name", "-created_at", "status,-name"])
def test_its_pages_skip_and_repeat_nothing_while_others_insert(cast: Cast, database: Database, sort: str) -> None:
    first = [make_character(database, cast.project, name=f"N{number}")["id"] for number in (5, 3, 9, 1, 7)]
    to_come = iter((0, 2, 4, 6, 8))
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while cursor.get("cursor", "") is not None:
        answer = cast.viewer.get("/characters", sort=sort, limit=1, **cursor)
        seen += answer.ids
        cursor = {"cursor": answer.document["page"]["next"]}
        if (number := next(to_come, None)) is not None:
            make_character(database, cast.project, name=f"N{number}")
    assert len(seen) == len(set(seen))
    whole = cast.viewer.get("/characters", sort=sort).ids
    assert [row for row in seen if row in first] == [row for row in whole if row in first]


def test_its_pages_hold_what_the_filter_leaves(cast: Cast, database: Database) -> None:
    for number in range(5):
        make_character(database, cast.project, status="approved" if number % 2 else "draft")
    assert len(walk(cast.viewer, "/characters", 1, status="draft")) == 3


FORGERIES: dict[str, tuple[object, ...]] = {
    "too few values": ("Mara",),
    "too many values": ("Mara", "x", "y"),
    "a number for text": (1, "x"),
    "a list": (["Mara"], "x"),
    "an object": ({"$gt": ""}, "x"),
    "true": (True, "x"),
    "a NUL": ("\0", "x"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_it_refuses_a_forged_cursor(cast: Cast, database: Database, forgery: str) -> None:
    make_character(database, cast.project)
    make_character(database, cast.project)
    page = cast.viewer.get("/characters", limit=1)
    cast.viewer.get("/characters", cursor=forged(page, *FORGERIES[forgery])).refused(400, "bad-query")


@pytest.mark.parametrize("value", [2**31, -(2**63), 2**63, True, "1", 1.5])
def test_it_refuses_a_cursor_with_a_number_out_of_range(cast: Cast, database: Database, value: object) -> None:
    make_scene(database, cast.project)
    make_scene(database, cast.project)
    page = cast.viewer.get("/scenes", limit=1)
    cast.viewer.get("/scenes", cursor=forged(page, value, "x")).refused(400, "bad-query")


def test_it_refuses_the_cursor_of_another_order(cast: Cast, database: Database) -> None:
    make_project(database)
    make_project(database)
    cursor = cast.viewer.get("/projects", limit=1).document["page"]["next"]
    cast.viewer.get("/projects", sort="-name", cursor=cursor).refused(400, "bad-query")


@pytest.mark.parametrize("change", ["{}*", "x{}", "{}x"])
def test_it_refuses_a_damaged_cursor(cast: Cast, database: Database, change: str) -> None:
    make_project(database)
    make_project(database)
    cursor = cast.viewer.get("/projects", limit=1).document["page"]["next"]
    cast.viewer.get("/projects", cursor=change.format(cursor)).refused(400, "bad-query")


def test_a_cursor_shows_a_project_key_no_more_than_its_projects(cast: Cast, database: Database) -> None:
    for _ in range(3):
        make_character(database, cast.foreign_project)
    cursor = cast.admin.get("/characters", limit=1).document["page"]["next"]
    assert cast.creator.get("/characters", cursor=cursor).ids == []


def test_it_answers_characters_that_no_decoder_agrees_on(cast: Cast, database: Database) -> None:
    make_character(database, cast.project, name="é", code="e")
    assert cast.viewer.call("GET", "/characters?name=%ed%a0%80").status == 200
    assert cast.viewer.call("GET", "/characters?name=%ff").status == 200
    cast.viewer.call("GET", "/characters?%ff=1").refused(400, "bad-query")
    assert names(cast.viewer.call("GET", "/characters?name=%C3%A9")) == ["é"]
