"""Pages that the database writes: the documents, their order and the cursor of a page that was read row by row."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, delete, insert

from domain import listing
from domain.characters.models import CHARACTERS
from domain.db import Database, Row
from domain.entities import Kind, Listed, listed, listed_within, represent, within_values
from domain.ids import new_id
from domain.listing import Page, fetch, parse
from domain.projects.models import PROJECTS
from domain.scenes.models import SCENES
from domain.segments.models import SEGMENTS
from domain.shape import WHOLE, shaped
from domain.studio import KINDS
from tests.factories import make_field, make_project, make_scene
from tests.support.clock import NOON
from tests.support.queries import recorded

Parameters = list[tuple[str, str]]
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6) | st.sampled_from(
    ['"\\/\b\f\n\r\t', "\x01\x1f\x7f", "\u2028\u2029\ufeff\uffff", "😀é", "%s %d %%", "'; --", ":id {}", "1" * 30]
)
NUMBERS = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.1 + 0.2, -0.0, 1e15, 1e16, 1e18, -9.3e18, 1.8446744073709552e19, 1e22, 1e300, 5e-324, 1.5e-7]),
)
DOCUMENTS = st.dictionaries(
    TEXTS,
    st.recursive(
        st.none() | st.booleans() | NUMBERS | TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=4,
    ),
    max_size=4,
)
FRAMES = st.none() | st.integers(-1, 2)
MADE = st.fixed_dictionaries(
    {
        "name": TEXTS, "description": TEXTS, "metadata": DOCUMENTS,
        "external_ids": st.dictionaries(TEXTS, TEXTS, max_size=2),
        "position": st.integers(-1, 2), "frame_in": FRAMES, "frame_out": FRAMES, "version": st.integers(1, 3),
        "status": st.sampled_from(["draft", "approved"]), "strict_metadata": st.booleans(),
        "created_at": st.integers(0, 3).map(lambda number: NOON + timedelta(microseconds=number * 333)),
    }
)  # fmt: skip
FIELDS: Row = {"name": "a", "position": 1, "created_at": NOON}
MIXED = {
    "projects": ["status,-name"],
    "characters": ["version,-created_at,name"],
    "scenes": ["-position,name,-id"],
    "segments": ["-frame_in,name", "status,-version,-id", "-created_at,name", "frame_out,-frame_in"],
}


def read(text: str | bytes) -> Any:
    """The value with the order of its members, and every number as it is written, as far as Python tells them apart."""
    return json.loads(text, object_pairs_hook=tuple, parse_float=lambda digits: ("float", float(digits)))


def both_ways(
    database: Database, kind: Kind, chosen: Listed, parameters: Parameters, **values: str
) -> tuple[Page, list[Any]]:
    """The page as the database writes it, found equal to the page as it is read row by row; its objects."""
    query = parse(kind.listing, parameters)
    with database.reading() as session:
        plain = fetch(session, query, chosen.statement, values=values)
        page = fetch(session, query, chosen.statement, values=values, document=chosen.document)
        expected = [orjson.dumps(row) for row in shaped(session, kind.listing, WHOLE, plain.rows, chosen.show)]
    found = expected if page.documents is None else page.documents
    assert [read(text) for text in found] == [read(text) for text in expected]
    assert (page.next, page.limit, page.total) == (plain.next, plain.limit, plain.total)
    if page.documents is not None and database.is_sqlite:
        assert [text.encode() for text in page.documents] == expected
    return page, [orjson.loads(text) for text in found]


def walk(database: Database, kind: Kind, chosen: Listed, parameters: Parameters, **values: str) -> list[Any]:
    """Every object of a list, page by page, each page both ways."""
    seen: list[Any] = []
    cursor: Parameters = []
    while True:
        page, objects = both_ways(database, kind, chosen, [*parameters, *cursor], **values)
        seen += objects
        if page.next is None:
            return seen
        cursor = [("cursor", page.next)]


def made(database: Database, kind: Kind, fields: Sequence[Row], **parents: str) -> list[str]:
    """Rows with these values, as far as the kind has them; their ids."""
    rows = []
    for each in fields:
        row_id = new_id(kind.prefix)
        values = {**each, **parents, "id": row_id, "code": row_id, "updated_at": NOON}
        rows.append({name: value for name, value in values.items() if name in kind.table.columns})
    if rows:
        with database.transaction() as session:
            session.execute(insert(kind.table), rows)
    return [row["id"] for row in rows]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
def test_it_works(database: Database, kind: Kind) -> None:
    """Whatever the rows hold, in every sort."""
    scene = make_scene(database, make_project(database))
    parents = {"project_id": scene["project_id"], "scene_id": scene["id"]}
    chosen = listed(kind)

    @settings(max_examples=12, deadline=None)
    @given(rows=st.lists(MADE, max_size=6), limit=st.integers(1, 4))
    def check(rows: list[Row], limit: int) -> None:
        ids = made(database, kind, rows, **parents)
        try:
            for sort in [sign + name for name in kind.listing.sortable for sign in ("", "-")] + MIXED[kind.plural]:
                seen = [each["id"] for each in walk(database, kind, chosen, [("sort", sort), ("limit", str(limit))])]
                assert set(seen) >= set(ids)
                assert len(set(seen)) == len(seen)
        finally:
            with database.transaction() as session:
                session.execute(delete(kind.table).where(kind.table.c.id.in_(ids)))

    check()


PLAIN = {"fps": 23.976, "frames": 1000000000000000, "take": "0" * 19, "list": [[], {}, None, True]}
# What JSONB writes in full, and so in other words than were given; what follows from it is read row by row.
SPELLED_OUT = (1e22, -9.3e18, 1.8446744073709552e19, 5e-324, 1.7e308)


def test_an_object_is_what_get_gives(database: Database) -> None:
    project = make_project(database, metadata=PLAIN, external_ids={"shotgrid": "1042"}, strict_metadata=True)
    _, objects = both_ways(database, PROJECTS, listed(PROJECTS), [])
    assert objects == [represent(PROJECTS, project)]
    assert list(objects[0]) == list(represent(PROJECTS, project))


@pytest.mark.parametrize("number", SPELLED_OUT)
def test_a_number_that_would_be_spelled_out_is_read_as_it_was_given(database: Database, number: float) -> None:
    make_project(database, name="a")
    make_project(database, name="b", metadata={"number": [number]})
    page, objects = both_ways(database, PROJECTS, listed(PROJECTS), [])
    assert (page.documents is None) == (not database.is_sqlite)
    assert objects[1]["metadata"] == {"number": [number]}


def test_a_page_is_one_row_of_the_database(database: Database) -> None:
    project = make_project(database, metadata=PLAIN)
    made(database, CHARACTERS, [dict(FIELDS, name=str(number)) for number in range(5)], project_id=project["id"])
    for sort in ("name", "-created_at"):
        page, _ = both_ways(database, CHARACTERS, listed(CHARACTERS), [("sort", sort), ("limit", "3")])
        assert page.documents is not None
        assert len(page.documents) == 3


def test_a_list_may_be_empty(database: Database) -> None:
    page, objects = both_ways(database, SEGMENTS, listed(SEGMENTS), [("total", "true")])
    assert (page.documents, objects, page.next, page.total) == ([], [], None, 0)


@pytest.mark.parametrize("seen", range(4))
def test_a_list_keeps_to_the_projects_that_are_seen(database: Database, seen: int) -> None:
    projects = [make_project(database) for _ in range(4)]
    for project in projects:
        made(database, CHARACTERS, [FIELDS, FIELDS], project_id=project["id"])
    ids = [project["id"] for project in projects[:seen]]
    objects = walk(
        database, CHARACTERS, listed_within(CHARACTERS, seen), [("limit", "3")], **within_values(frozenset(ids))
    )
    assert [each["project_id"] for each in objects] == [each for project in ids for each in (project, project)]


def test_a_list_below_a_parent(database: Database) -> None:
    project = make_project(database)
    scenes = [make_scene(database, project) for _ in range(3)]
    for scene in scenes:
        made(database, SEGMENTS, [FIELDS] * 5, project_id=project["id"], scene_id=scene["id"])
    below = listed(SEGMENTS).where(SEGMENTS.table.c.scene_id == bindparam("parent_id"))
    for scene in scenes:
        objects = walk(database, SEGMENTS, below, [("limit", "2")], parent_id=scene["id"])
        assert [each["scene_id"] for each in objects] == [scene["id"]] * 5


# Conditions by form: what is remembered of the first must serve those that follow.
CONDITIONS: list[list[Parameters]] = [
    [[("name[contains]", text)] for text in ("b", "%", "AB")],
    [[("q", text), ("status", status)] for text in ("b", "a b") for status in ("draft", "approved")],
    [[("status", status), ("total", "true")] for status in ("approved", "draft")],
    [[("position[in]", text)] for text in ("1,2", "0", "3,0", "2,1")],
    [[("position[gt]", text), ("name[ne]", "a"), ("sort", "-created_at")] for text in ("1", "0")],
    [[("metadata.n[gt]", text)] for text in ("1", "0", "-1e3")],
    [[("metadata.n[in]", text)] for text in ("1,5", "2", "0.30000000000000004")],
    [[("metadata.n[isnull]", text)] for text in ("true", "false")],
    # `when` is a date in one project and a number in the other: what the value is decides which it is compared to.
    [[("metadata.when", text)] for text in ("2026-01-31", "7", "2026-02-01")],
    [
        [("sort", sort), ("status", status)]
        for sort in ("metadata.n", "-metadata.n")
        for status in ("draft", "approved")
    ],
    [[("sort", sort)] for sort in ("metadata.n", "-metadata.n", "metadata.s")],
    [[("external_ids.kitsu", text)] for text in ("1", "2")],
    [[("external_ids.kitsu[in]", text)] for text in ("1,2", "3,4", "5")],
]


def test_conditions_choose_the_same_rows(database: Database) -> None:
    one, other = make_project(database), make_project(database)
    for key, type_ in (("n", "number"), ("s", "string"), ("when", "date")):
        make_field(database, one, "scene", key, type_)
    make_field(database, other, "scene", "when", "number")
    for number, name in enumerate("aabbabcb"):
        metadata = {} if number == 3 else {"n": (1, 0.1 + 0.2, 1e22)[number % 3], "s": name, "when": "2026-01-31"}
        make_scene(database, one, name=name, position=number % 4, metadata=metadata,
                   status=("draft", "approved")[number % 2], external_ids={"kitsu": str(number)})  # fmt: skip
    make_scene(database, other, name="ab", metadata={"when": 7})
    chosen = listed(SCENES)
    for form in CONDITIONS:
        found = [walk(database, SCENES, chosen, [*parameters, ("limit", "2")]) for parameters in form]
        assert any(found), form


@pytest.mark.parametrize(
    "parameters", [[], [("status", "draft")], [("name[in]", "a,b")], [("sort", "metadata.n")]], ids=str
)
def test_a_page_is_asked_for_in_one_way_however_often(database: Database, parameters: Parameters) -> None:
    """Its statement is the same text each time, whatever the values."""
    project = make_project(database)
    make_field(database, project, "character", "n", "number")
    chosen = listed(CHARACTERS)
    with recorded(database) as seen:
        for _ in range(3):
            with database.reading() as session:
                query = parse(CHARACTERS.listing, parameters)
                page = fetch(session, query, chosen.statement, document=chosen.document)
            assert page.documents == []
    assert len(set(seen)) == len(seen) / 3


def test_a_page_within_a_transaction_is_the_same(database: Database) -> None:
    """Where statements do not stand alone, SQLAlchemy runs them."""
    project = make_project(database)
    with database.transaction() as session:
        page = fetch(
            session, parse(PROJECTS.listing, []), listed(PROJECTS).statement, document=listed(PROJECTS).document
        )
    assert page.documents is not None
    assert [orjson.loads(text)["id"] for text in page.documents] == [project["id"]]


def test_sorts_are_not_remembered_without_end(database: Database) -> None:
    chosen = listed(SEGMENTS)
    for one, other in itertools.permutations(SEGMENTS.listing.sortable, 2):
        both_ways(database, SEGMENTS, chosen, [("sort", f"{one},-{other}")])
    assert 0 < len(listing._built[chosen.statement]) <= listing.MOST_REMEMBERED
