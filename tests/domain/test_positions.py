"""Places in the feed: unique, without gaps, and in one order, whoever gives them."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from domain.db import Database
from domain.events import positions
from domain.events.models import events
from domain.events.positions import Extent, Feed, give_places
from tests.factories import make_event
from tests.support.queries import recorded
from tests.support.threads import at_once


def places(database: Database) -> list[int]:
    """In the order of `seq`."""
    with database.reading() as session:
        return list(session.execute(select(events.c.position).order_by(events.c.seq)).scalars())


def test_it_works(database: Database) -> None:
    for _ in range(3):
        make_event(database, "scene.created")
    assert Feed(database).extent() == Extent(0, 3)
    assert places(database) == [1, 2, 3]


def test_several_processes_give_them_at_once(database: Database, database_url: str) -> None:
    others = [Database(database_url) for _ in range(4)]

    def work() -> None:
        other = others.pop()
        feed = Feed(other)
        for _ in range(10):
            make_event(other, "scene.created")
            feed.extent()
        other.dispose()

    at_once(4, work)
    assert sorted(places(database)) == list(range(1, 41))
    assert Feed(database).extent() == Extent(0, 40)


def test_those_who_ask_at_once_share_a_look(database: Database) -> None:
    feed = Feed(database)
    make_event(database, "scene.created")
    feed.extent()
    with recorded(database) as seen:
        assert at_once(20, feed.extent) == [Extent(0, 1)] * 20
    assert len(seen) <= 20


def test_an_empty_feed_has_no_row_and_needs_none(database: Database) -> None:
    assert Feed(database).extent() == Extent(0, 0)
    with database.transaction() as session:
        assert give_places(session) == (Extent(0, 0), False)
    assert Feed(database).extent() == Extent(0, 0)


@pytest.mark.parametrize("what", ["unplaced", "project"])
def test_indexes_answer(database: Database, what: str) -> None:
    """No read of the feed goes through what it does not want."""
    for _ in range(300):
        make_event(database, "scene.created")
    Feed(database).extent()
    asked = {
        "unplaced": ("seq FROM events WHERE position IS NULL AND {no_test}", "ix_events_unplaced"),
        "project": (
            "body FROM events WHERE position BETWEEN 5 AND 900 AND project_id IN ('a') ORDER BY position LIMIT 5",
            "ix_events_project_id_position",
        ),
    }
    no_test = "is_test = 0" if database.is_sqlite else "NOT is_test"
    statement, index = asked[what]
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    with database.transaction() as session:
        if not database.is_sqlite:
            session.execute(text("ANALYZE events"))
            session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = session.execute(text(f"{explain} SELECT {statement.format(no_test=no_test)}")).all()
    # SQLite may take the index that holds positions to be unique, which has tests of webhooks too; they are few.
    known = (index, "sqlite_autoindex_events_2 (position=?)") if what == "unplaced" else (index,)
    assert any(each in str(plan) for each in known), plan


def test_what_was_there_before_is_put_into_it_in_parts(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(positions, "MOST_STEPS", 2)
    monkeypatch.setattr(positions, "give_places", lambda session: give_places(session, 2))
    for _ in range(5):
        make_event(database, "scene.created")
    feed = Feed(database)
    assert [feed.extent().last for _ in range(3)] == [4, 5, 5]
