"""The grammar of lists against real tables: whatever is accepted, both databases can run."""

from __future__ import annotations

import itertools
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from domain.api_keys.queries import API_KEYS
from domain.approvals.queries import APPROVALS
from domain.audit.queries import AUDIT
from domain.characters.models import CHARACTERS
from domain.db import Database
from domain.deliveries.queries import DELIVERIES
from domain.errors import BadQuery
from domain.filters import OPERATORS, operators_of
from domain.listing import ListSpec, fetch, parse
from domain.projects.models import PROJECTS
from domain.segments.models import SEGMENTS
from domain.webhooks.queries import WEBHOOKS
from tests.factories import make_character, make_project

SPECS: dict[str, ListSpec] = {
    "projects": PROJECTS.listing, "segments": SEGMENTS.listing, "approvals": APPROVALS, "webhooks": WEBHOOKS,
    "deliveries": DELIVERIES, "audit": AUDIT, "api_keys": API_KEYS,
}  # fmt: skip
VALUES = ("", "x", "1", "-1", "true", "2026-01-01T00:00:00Z", "a,b", "1,2", "%_/", "'", "2147483647")


@pytest.mark.parametrize("name", SPECS)
def test_it_works(database: Database, name: str) -> None:
    """Every field with every operator and a value of every kind is run or refused."""
    spec = SPECS[name]
    with database.reading() as session:
        for field, operator in itertools.product(spec.fields, OPERATORS):
            offered = operator in operators_of(spec.fields[field].column)
            accepted = 0
            for value in (*VALUES, *(spec.fields[field].choices or ())):
                try:
                    query = parse(spec, [(f"{field}[{operator}]", value)])
                except BadQuery:
                    continue
                fetch(session, query, select(spec.id_column.table))
                accepted += 1
            assert bool(accepted) == offered, f"{field}[{operator}]"


@pytest.mark.parametrize("name", SPECS)
def test_every_sort_runs(database: Database, name: str) -> None:
    spec = SPECS[name]
    with database.reading() as session:
        for field, direction in itertools.product(spec.sortable, ("", "-")):
            fetch(session, parse(spec, [("sort", direction + field)]), select(spec.id_column.table))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=3), max_size=7),
    limit=st.integers(1, 3),
    sort=st.sampled_from(["name", "-name", "status,-name", "-version,name", "-created_at"]),
)
def test_pages_of_any_names_hold_every_row_once(database: Database, names: list[str], limit: int, sort: str) -> None:
    project = make_project(database)
    rows = [make_character(database, project, name=name, version=len(name)) for name in names]
    chosen = select(CHARACTERS.table).where(CHARACTERS.table.c.project_id == project["id"])
    seen: list[str] = []
    cursor: list[tuple[str, str]] = []
    with database.reading() as session:
        while True:
            page = fetch(session, parse(CHARACTERS.listing, [("sort", sort), ("limit", str(limit)), *cursor]), chosen)
            seen += [row["id"] for row in page.rows]
            if page.next is None:
                break
            cursor = [("cursor", page.next)]
        whole = fetch(session, parse(CHARACTERS.listing, [("sort", sort), ("limit", "200")]), chosen)
    assert seen == [row["id"] for row in whole.rows]
    assert sorted(seen) == sorted(row["id"] for row in rows)
    if sort == "name":
        assert [row["name"] for row in whole.rows] == sorted(names)


@settings(max_examples=200, deadline=None)
@given(
    parameters=st.lists(
        st.tuples(
            st.one_of(st.sampled_from(["limit", "cursor", "sort", "name", "frame_in[gt]", "created_at"]), st.text()),
            st.text(),
        ),
        max_size=4,
    )
)
def test_no_text_does_worse_than_be_refused(parameters: list[tuple[str, str]]) -> None:
    with suppress(BadQuery):
        parse(SEGMENTS.listing, parameters)


@settings(max_examples=200, deadline=None)
@given(cursor=st.one_of(st.text(), st.binary().map(lambda data: data.hex()), st.from_regex(r"[A-Za-z0-9_-]{1,80}")))
def test_no_cursor_does_worse_than_be_refused(cursor: str) -> None:
    with suppress(BadQuery):
        parse(SEGMENTS.listing, [("cursor", cursor)])


def test_contains_takes_no_notice_of_the_case_of_ascii(database: Database) -> None:
    project = make_project(database)
    for name in ("MARA Voss", "Émile", "100%_"):
        make_character(database, project, name=name)
    found: dict[str, list[str]] = {}
    with database.reading() as session:
        for text in ("mara", "VOSS", "É", "mile", "100%_", "%", "_", "/"):
            page = fetch(session, parse(CHARACTERS.listing, [("name[contains]", text)]), select(CHARACTERS.table))
            found[text] = [row["name"] for row in page.rows]
    assert found == {
        "mara": ["MARA Voss"], "VOSS": ["MARA Voss"], "É": ["Émile"], "mile": ["Émile"], "100%_": ["100%_"],
        "%": ["100%_"], "_": ["100%_"], "/": [],
    }  # fmt: skip
