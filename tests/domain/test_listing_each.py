"""A page of many lists at once is what each list alone gives, whatever is asked."""

from __future__ import annotations

import pytest

from domain.db import Database, Row
from domain.entities import listed
from domain.errors import BadQuery
from domain.list_query import parse
from domain.listing import fetch
from domain.listing_each import Each, cursor_after
from domain.segments.models import SEGMENTS, segments
from tests.factories import make_field, make_project, make_scene, make_segment

EACH = Each(listed(SEGMENTS).statement, segments.c.scene_id)
QUERIES: tuple[tuple[tuple[str, str], ...], ...] = (
    (),
    (("sort", "-name"),),
    (("sort", "frame_in,-position"), ("limit", "2")),
    (("sort", "-frame_in"), ("frame_in[isnull]", "false")),
    (("sort", "metadata.lens"), ("limit", "3")),
    (("sort", "-metadata.lens,-id"), ("position[gte]", "1")),
    (("metadata.lens[gt]", "0"), ("limit", "1")),
    (("q", "segment"), ("created_at[gte]", "2020-01-01T00:00:00Z"), ("sort", "-created_at")),
)


@pytest.fixture
def scenes(database: Database) -> list[Row]:
    """Of two projects; the last has nothing in it."""
    found = []
    for project in (make_project(database), make_project(database)):
        make_field(database, project, "segment", "lens", "integer")
        for number in range(3):
            found.append(scene := make_scene(database, project))
            for place in range(number * 2):
                known = {"lens": place % 3} if place % 2 else {}
                frame = None if place == 1 else place
                make_segment(database, scene, position=place % 3, frame_in=frame, metadata=known)
    return [*found, make_scene(database, make_project(database))]


@pytest.mark.parametrize("parameters", QUERIES, ids=str)
def test_it_works(database: Database, scenes: list[Row], parameters: tuple[tuple[str, str], ...]) -> None:
    projects = {scene["project_id"] for scene in scenes}
    query = parse(SEGMENTS.listing, parameters)
    with database.reading() as session:
        pages = EACH.fetch(session, query, [scene["id"] for scene in scenes], projects)
        counts = EACH.count(session, query, [scene["id"] for scene in scenes], projects)
        assert set(pages) == set(counts) == {scene["id"] for scene in scenes}
        for scene_id, page in pages.items():
            total = parse(SEGMENTS.listing, [*parameters, ("total", "true")])
            alone = fetch(session, total, listed(SEGMENTS).statement.where(segments.c.scene_id == scene_id), projects)
            assert [row["id"] for row in page.rows] == [row["id"] for row in alone.rows]
            assert page.next == alone.next
            assert counts[scene_id] == alone.total
            if page.next is not None:
                assert cursor_after(query, page.rows[-1]) == page.next


def test_what_is_not_defined_is_refused(database: Database, scenes: list[Row]) -> None:
    query = parse(SEGMENTS.listing, [("metadata.nothing", "1")])
    with database.reading() as session, pytest.raises(BadQuery, match="No field 'nothing' is defined"):
        EACH.fetch(session, query, [scene["id"] for scene in scenes], {scene["project_id"] for scene in scenes})
