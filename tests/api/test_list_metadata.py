"""Filters and sorts of lists by metadata and by external ids."""

from __future__ import annotations

from typing import Any

import pytest

from domain.characters.models import CHARACTERS
from domain.db import Database
from domain.entities import Kind
from domain.metadata.types import TYPES
from domain.projects.models import PROJECTS
from domain.scenes.models import SCENES
from domain.segments.models import SEGMENTS
from domain.studio import KINDS
from tests.api.client import Answer
from tests.api.conftest import Cast
from tests.api.walking import forged, walk
from tests.factories import make_asset, make_character, make_field, make_project, make_scene, make_segment

# By type: what `one` and `two` have; `none` has nothing.
VALUES: dict[str, tuple[Any, Any]] = {
    "string": ("Alpha, 100%", "été"),
    "text": ("A long tale", "another tale"),
    "integer": (-1, 9_007_199_254_740_993),
    "number": (23.976, 1e22),
    "boolean": (False, True),
    "date": ("2026-01-31", "2026-02-01"),
    "datetime": ("2026-01-31T12:00:00.000Z", "2026-02-01T00:00:00.000Z"),
    "enum": ("day", "night"),
    "enum_list": (["fog", "rain"], ["rain", "snow"]),
    "url": ("https://a.example/", "https://b.example/"),
    "json": ({"a": 1}, []),
}
FILTERS: dict[str, dict[str, str]] = {
    "string": {
        "=Alpha, 100%": "one", "=": "", "[ne]=été": "one none", "[gt]=Alpha": "one two", "[lt]=a": "one",
        "[contains]=ALPHA": "one", "[contains]=0%": "one", "[contains]=_": "", "[in]=été,Alpha": "two",
        "[isnull]=true": "none", "[isnull]=false": "one two",
    },
    "text": {
        "=A long tale": "one", "[ne]=A long tale": "two none", "[contains]=TALE": "one two", "[isnull]=true": "none",
    },
    "integer": {
        "=-1": "one", "=9007199254740993": "two", "=9007199254740992": "", "[ne]=-1": "two none", "[gte]=-1": "one two",
        "[lt]=0.5": "one", "[in]=-1,-1.0,5": "one", "[isnull]=false": "one two",
    },
    "number": {"=23.976": "one", "=23.9760": "one", "[gt]=23.976": "two", "[lte]=1e22": "one two", "=1e308": ""},
    "boolean": {"=true": "two", "=false": "one", "[ne]=true": "one none", "[in]=true,false": "one two"},
    "date": {"=2026-01-31": "one", "[gt]=2026-01-31": "two", "[lte]=2026-02-01": "one two", "[in]=2026-02-01": "two"},
    "datetime": {
        "=2026-01-31T13:00:00+01:00": "one", "[gte]=2026-02-01T00:00:00Z": "two",
        "[ne]=2026-02-01T00:00:00Z": "one none",
    },
    "enum": {"=night": "two", "[ne]=night": "one none", "[in]=day,night": "one two", "=dawn": ""},
    "enum_list": {
        "=rain": "one two", "=snow": "two", "[ne]=snow": "one none", "[in]=fog,snow": "one two", "=fog,rain": "",
    },
    "url": {"=https://a.example/": "one", "[contains]=EXAMPLE": "one two"},
    "json": {"[isnull]=true": "none", "[isnull]=false": "one two"},
}  # fmt: skip


def names(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.document
    return [row["name"] for row in answer.data]


def make_pair(database: Database, cast: Cast, type_word: str) -> None:
    """Three characters of one production: two with values of this type under `key`, one without."""
    rules = {"options": ["day", "night", "fog", "rain", "snow"]} if type_word.startswith("enum") else {}
    make_field(database, cast.project, CHARACTERS.object, "key", type_word, **rules)
    for name, value in zip(("one", "two"), VALUES[type_word], strict=True):
        make_character(database, cast.project, name=name, metadata={"key": value})
    make_character(database, cast.project, name="none", metadata={"other": 1})


def test_every_type_is_tried() -> None:
    assert VALUES.keys() == FILTERS.keys() == TYPES.keys()


@pytest.mark.parametrize("type_word", FILTERS)
def test_it_filters(cast: Cast, database: Database, type_word: str) -> None:
    make_pair(database, cast, type_word)
    for query, expected in FILTERS[type_word].items():
        operator, _, value = query.partition("=")
        found = names(cast.viewer.get("/characters", sort="id", **{f"metadata.key{operator}": value}))
        assert found == expected.split(), query


SORTED = [name for name in TYPES if name not in ("text", "enum_list", "json")]


@pytest.mark.parametrize("type_word", SORTED)
def test_it_sorts_with_nothing_last(cast: Cast, database: Database, type_word: str) -> None:
    make_pair(database, cast, type_word)
    assert names(cast.viewer.get("/characters", sort="metadata.key")) == ["one", "two", "none"]
    assert names(cast.viewer.get("/characters", sort="-metadata.key")) == ["two", "one", "none"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.object)
def test_every_noun_has_it(cast: Cast, database: Database, kind: Kind) -> None:
    project = cast.project if kind is not PROJECTS else None
    rows = []
    for fps in (30, 24):
        place = project or make_project(database)
        if kind is PROJECTS:
            make_field(database, place, PROJECTS.object, "fps", "integer")
            rows.append(give(database, place, fps))
        else:
            if fps == 30:
                make_field(database, place, kind.object, "fps", "integer")
            rows.append(make_asset(database, kind, place, metadata={"fps": fps}))
    assert cast.viewer.get(f"/{kind.plural}", **{"metadata.fps": 24}).ids == [rows[1]["id"]]
    found = cast.viewer.get(f"/{kind.plural}", sort="metadata.fps", **{"metadata.fps[gt]": 1}).ids
    assert found == [rows[1]["id"], rows[0]["id"]]


def give(database: Database, project: Any, fps: int) -> Any:
    """The project, with metadata of its own: its fields could not be defined before it was there."""
    from sqlalchemy import update

    from domain.metadata.commands import rules_for, write_values

    row = {**project, "metadata": {"fps": fps}}
    with database.transaction() as session:
        session.execute(update(PROJECTS.table).where(PROJECTS.table.c.id == row["id"]).values(metadata=row["metadata"]))
        write_values(session, PROJECTS, [row], rules_for(session, "project", [row["id"]]))
    return row


def test_nested_lists_have_it(cast: Cast, database: Database) -> None:
    make_field(database, cast.project, SEGMENTS.object, "fps", "integer")
    scene, other = make_scene(database, cast.project), make_scene(database, cast.project)
    rows = [make_segment(database, scene, metadata={"fps": fps}) for fps in (30, 24)]
    make_segment(database, other, metadata={"fps": 24})
    path = f"/scenes/{scene['id']}/segments"
    assert cast.viewer.get(path, **{"metadata.fps": 24}).ids == [rows[1]["id"]]
    assert cast.viewer.get(path, sort="metadata.fps").ids == [rows[1]["id"], rows[0]["id"]]
    whole = cast.viewer.get(f"/projects/{cast.project['id']}/segments", sort="-metadata.fps", limit=1, total="true")
    assert (whole.ids, whole.document["page"]["total"]) == ([rows[0]["id"]], 3)


@pytest.mark.parametrize("sort", ["metadata.fps", "-metadata.fps", "metadata.fps,-id", "-metadata.fps,id"])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_its_pages_hold_every_row_once(cast: Cast, database: Database, sort: str, limit: int) -> None:
    make_field(database, cast.project, SCENES.object, "fps", "number")
    for fps in (24, 23.976, None, 24, 1e22, None, -5, 24):
        make_scene(database, cast.project, metadata={} if fps is None else {"fps": fps})
    whole = cast.viewer.get("/scenes", sort=sort).data
    assert walk(cast.viewer, "/scenes", limit, sort=sort) == whole
    assert len({row["id"] for row in whole}) == 8
    values = [row["metadata"].get("fps") for row in whole]
    assert values[6:] == [None, None]
    assert values[:6] == sorted(values[:6], reverse=sort.startswith("-"))


@pytest.mark.parametrize(
    "query", ["metadata.fps=24", "metadata.fps[gt]=1&metadata.fps[lt]=30", "metadata.fps[isnull]=false"]
)
def test_filters_and_sort_go_together(cast: Cast, database: Database, query: str) -> None:
    make_field(database, cast.project, SCENES.object, "fps", "number")
    make_field(database, cast.project, SCENES.object, "mood", "string")
    for fps, mood in ((24, "b"), (24, None), (None, "a"), (24, "a")):
        make_scene(database, cast.project, metadata={n: v for n, v in (("fps", fps), ("mood", mood)) if v is not None})
    answer = cast.viewer.call("GET", f"/scenes?{query}&sort=metadata.mood&total=true")
    assert [row["metadata"].get("mood") for row in answer.data] == ["a", "b", None]
    assert answer.document["page"]["total"] == 3


# What is asked of a list in which `fps` is a number in one project and a string in the other.
def test_a_key_of_two_types_is_filtered_by_each(cast: Cast, database: Database) -> None:
    make_field(database, cast.project, SCENES.object, "fps", "integer")
    make_field(database, cast.foreign_project, SCENES.object, "fps", "string")
    ours = make_scene(database, cast.project, metadata={"fps": 24})
    theirs = make_scene(database, cast.foreign_project, metadata={"fps": "24"})
    words = make_scene(database, cast.foreign_project, metadata={"fps": "film"})
    assert set(cast.admin.get("/scenes", **{"metadata.fps": 24}).ids) == {ours["id"], theirs["id"]}
    assert cast.admin.get("/scenes", **{"metadata.fps": "film"}).ids == [words["id"]]
    assert cast.admin.get("/scenes", **{"metadata.fps[ne]": "24"}).ids == [words["id"]]
    assert cast.admin.get("/scenes", **{"metadata.fps[contains]": "f"}).ids == [words["id"]]
    refusal = cast.admin.get("/scenes", sort="metadata.fps").refused(400, "bad-query").document
    assert refusal["parameter"] == "sort"
    assert "`project_id`" in refusal["detail"]
    # One project alone has one type.
    assert cast.admin.get("/scenes", sort="metadata.fps", project_id=cast.project["id"]).ids == [ours["id"]]
    assert cast.creator.get("/scenes", sort="metadata.fps").ids == [ours["id"]]
    cast.creator.get("/scenes", **{"metadata.fps": "film"}).refused(400, "bad-query")
    nested = f"/projects/{cast.project['id']}/scenes"
    assert cast.admin.get(nested, sort="metadata.fps").ids == [ours["id"]]
    cast.admin.get(nested, **{"metadata.fps[contains]": "f"}).refused(400, "bad-query")


def test_it_tells_a_project_key_of_no_foreign_definitions(cast: Cast, database: Database) -> None:
    make_field(database, cast.project, SCENES.object, "mood", "string")
    make_field(database, cast.foreign_project, SCENES.object, "secret", "string")
    make_field(database, cast.project, CHARACTERS.object, "age", "integer")
    for query in ("metadata.secret=x", "sort=metadata.secret", "metadata.age=1", "metadata.undefined=1"):
        answer = cast.creator.call("GET", f"/scenes?{query}").refused(400, "bad-query")
        assert answer.document["parameter"] == query.partition("=")[0]
        assert "`mood`" in answer.document["detail"]
        assert "`secret`" not in answer.document["detail"].replace("'secret'", "")
    assert "there are none" in cast.stranger.get("/characters", **{"metadata.age": 1}).document["detail"]


BAD: dict[str, tuple[str, str]] = {
    "metadata.n=x": ("metadata.n", "24 or 23.976"),
    "metadata.n=": ("metadata.n", "24 or 23.976"),
    "metadata.n=NaN": ("metadata.n", "24 or 23.976"),
    "metadata.n=1e999": ("metadata.n", "24 or 23.976"),
    "metadata.n=%D9%A3": ("metadata.n", "24 or 23.976"),
    "metadata.n=" + "9" * 5000: ("metadata.n", "24 or 23.976"),
    "metadata.n[contains]=1": ("metadata.n[contains]", "`gte`"),
    "metadata.n[like]=1": ("metadata.n[like]", "`gte`"),
    "metadata.n[]=1": ("metadata.n[]", "`gte`"),
    "metadata.n[eq=1": ("metadata.n[eq", "`metadata.<key>`"),
    "metadata.n[isnull]=1": ("metadata.n[isnull]", "`true` or `false`"),
    "metadata.s=%00": ("metadata.s", "NUL"),
    "metadata.b=1": ("metadata.b", "`true` or `false`"),
    "metadata.b[gt]=true": ("metadata.b[gt]", "`isnull`"),
    "metadata.d=2026-02-30": ("metadata.d", "2026-01-31"),
    "metadata.d=20260101": ("metadata.d", "2026-01-31"),
    "metadata.t=2026-01-01": ("metadata.t", "2026-01-01T00:00:00Z"),
    "metadata.l[gt]=x": ("metadata.l[gt]", "`in`"),
    "metadata.x[gt]=x": ("metadata.x[gt]", "`contains`"),
    "metadata.j=x": ("metadata.j", "`isnull`"),
    "metadata.=x": ("metadata.", "`metadata.<key>`"),
    "metadata=x": ("metadata", "`metadata.<key>`"),
    "metadata.%00=x": ("metadata.\0", "`metadata.<key>`"),
    "metadata.nobody=x": ("metadata.nobody", "`n`"),
    "sort=metadata.nobody": ("sort", "`n`"),
    "sort=metadata.": ("sort", "`metadata.<key>`"),
    "sort=metadata.%00": ("sort", "`metadata.<key>`"),
    "sort=metadata.l": ("sort", "`integer`"),
    "sort=metadata.x": ("sort", "`integer`"),
    "sort=metadata.j": ("sort", "`integer`"),
    "sort=metadata.n,name": ("sort", "nothing but `id`"),
    "sort=name,metadata.n": ("sort", "nothing but `id`"),
    "sort=metadata.n,metadata.s": ("sort", "nothing but `id`"),
    "sort=metadata.n,metadata.n": ("sort", "twice"),
    "external_ids.kitsu[ne]=x": ("external_ids.kitsu[ne]", "`in`"),
    "external_ids.kitsu[contains]=x": ("external_ids.kitsu[contains]", "`in`"),
    "external_ids.kitsu=%00": ("external_ids.kitsu", "NUL"),
    "external_ids.kitsu[isnull]=": ("external_ids.kitsu[isnull]", "`true` or `false`"),
    "external_ids=x": ("external_ids", "`external_ids.<system>`"),
    "external_ids.=x": ("external_ids.", "`external_ids.<system>`"),
    "external_ids.%00=x": ("external_ids.\0", "`external_ids.<system>`"),
    "sort=external_ids.kitsu": ("sort", "`created_at`"),
}  # fmt: skip
FIELDS = {
    "n": "integer", "s": "string", "b": "boolean", "d": "date", "t": "datetime", "l": "enum_list", "x": "text",
    "j": "json",
}  # fmt: skip


def test_it_refuses_a_bad_parameter_and_names_what_is_allowed(cast: Cast, database: Database) -> None:
    for key, type_word in FIELDS.items():
        rules = {"options": ["x"]} if type_word == "enum_list" else {}
        make_field(database, cast.project, CHARACTERS.object, key, type_word, **rules)
    for query, (parameter, named) in BAD.items():
        answer = cast.viewer.call("GET", f"/characters?{query}").refused(400, "bad-query")
        assert answer.document["parameter"] == parameter, query
        assert named in answer.document["detail"], query


@pytest.mark.parametrize(
    "values", [("x", "chr_x"), ({}, "chr_x"), ([], "chr_x"), (True, "chr_x"), (1,), (1, 2), (1, None)]
)
def test_it_refuses_a_forged_cursor(cast: Cast, database: Database, values: tuple[object, ...]) -> None:
    make_field(database, cast.project, CHARACTERS.object, "fps", "number")
    for fps in (1, 2):
        make_character(database, cast.project, metadata={"fps": fps})
    page = cast.viewer.get("/characters", limit=1, sort="metadata.fps")
    cursor = forged(page, *values)
    cast.viewer.get("/characters", sort="metadata.fps", cursor=cursor).refused(400, "bad-query")


def test_it_refuses_the_cursor_of_another_key(cast: Cast, database: Database) -> None:
    for key in ("fps", "age"):
        make_field(database, cast.project, CHARACTERS.object, key, "number")
    for number in (1, 2):
        make_character(database, cast.project, metadata={"fps": number, "age": number})
    cursor = cast.viewer.get("/characters", limit=1, sort="metadata.fps").document["page"]["next"]
    for sort in ("metadata.age", "-metadata.fps", "name"):
        cast.viewer.get("/characters", sort=sort, cursor=cursor).refused(400, "bad-query")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.object)
def test_it_filters_by_external_id(cast: Cast, database: Database, kind: Kind) -> None:
    def make(**ids: str) -> str:
        if kind is PROJECTS:
            return str(make_project(database, external_ids=ids)["id"])
        return str(make_asset(database, kind, cast.project, external_ids=ids)["id"])

    one, two, none = make(shotgrid="1042", kitsu="a,b%"), make(shotgrid="1043"), make()
    others = [cast.project["id"]] if kind is PROJECTS else []
    wanted: dict[str, list[str]] = {
        "external_ids.shotgrid=1042": [one],
        "external_ids.shotgrid[in]=1042,1043": [one, two],
        "external_ids.kitsu=a,b%25": [one],
        "external_ids.kitsu=": [],
        "external_ids.kitsu=1042": [],
        "external_ids.nobody=1042": [],
        "external_ids.kitsu[isnull]=false": [one],
        "external_ids.shotgrid[isnull]=true": [none, *others],
        "external_ids.shotgrid=1042&external_ids.kitsu[isnull]=true": [],
    }
    for query, expected in wanted.items():
        assert sorted(cast.viewer.call("GET", f"/{kind.plural}?{query}").ids) == sorted(expected), query
