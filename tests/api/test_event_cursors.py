"""Cursors that are kept for a key, under names of its own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.db import Database
from domain.deliveries.retention import EVENTS, within
from domain.event_cursors import commands
from domain.events.feed import cursor_at
from domain.events.models import events
from tests.api.client import Answer, Client
from tests.api.conftest import Cast
from tests.factories import make_event
from tests.support.clock import StoppedClock


def keep(client: Client, name: str, **body: object) -> Answer:
    return client.call("PUT", f"/event-cursors/{name}", json=body)


def test_it_works(cast: Cast, database: Database) -> None:
    made = [make_event(database, "scene.created", cast.project["id"]) for _ in range(3)]
    page = cast.viewer.get("/events", limit=2).document["page"]
    kept = keep(cast.viewer, "nightly", cursor=page["next"]).data
    assert (kept["object"], kept["name"], kept["cursor"]) == ("event_cursor", "nightly", page["next"])
    for _ in range(2):  # reading does not move it
        assert cast.viewer.get("/events", cursor_name="nightly").ids == made[2:]
    assert cast.viewer.get("/event-cursors/nightly").data == kept


def test_it_is_moved(cast: Cast, database: Database, clock: StoppedClock) -> None:
    make_event(database, "scene.created", cast.project["id"])
    first = keep(cast.viewer, "nightly", cursor=cursor_at(0)).data
    clock.advance(minutes=1)
    moved = keep(cast.viewer, "nightly").data
    assert moved["cursor"] == cast.viewer.get("/events").document["page"]["next"]
    assert (moved["created_at"], moved["updated_at"] > first["updated_at"]) == (first["created_at"], True)
    assert keep(cast.viewer, "nightly", cursor=cursor_at(0)).data["cursor"] == cursor_at(0)


def test_each_key_has_its_own(cast: Cast) -> None:
    keep(cast.viewer, "nightly")
    cast.admin.get("/event-cursors/nightly").refused(404, "not-found")
    cast.admin.get("/events", cursor_name="nightly").refused(400, "bad-query")
    assert cast.admin.get("/event-cursors").data == []


def test_they_are_listed_and_forgotten(cast: Cast) -> None:
    for name in ("b", "a", "c"):
        keep(cast.viewer, name)
    assert [row["name"] for row in cast.viewer.get("/event-cursors", limit=2).data] == ["a", "b"]
    assert cast.viewer.call("DELETE", "/event-cursors/b").data["name"] == "b"
    cast.viewer.call("DELETE", "/event-cursors/b").refused(404, "not-found")
    assert [row["name"] for row in cast.viewer.get("/event-cursors").data] == ["a", "c"]


@pytest.mark.parametrize("cursor", ["nonsense", cursor_at(1), ""])
def test_what_is_no_cursor_of_this_feed_is_not_kept(cast: Cast, cursor: str) -> None:
    assert keep(cast.viewer, "nightly", cursor=cursor).refused(422, "invalid").fields == ["/cursor"]
    assert cast.viewer.get("/event-cursors").data == []


@pytest.mark.parametrize("name", ["-a", "a" * 65, "a%20b", "%C3%A4"])
def test_what_is_no_name_is_not_found(cast: Cast, name: str) -> None:
    keep(cast.viewer, name).refused(404, "not-found")


def test_a_key_keeps_so_many(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "MOST_CURSORS", 2)
    for name in ("a", "b", "a"):
        keep(cast.viewer, name)
    keep(cast.viewer, "c").refused(409, "conflict")


def test_one_that_is_too_old_is_told_so(cast: Cast, database: Database, clock: StoppedClock) -> None:
    keep(cast.viewer, "nightly", cursor=cursor_at(0))
    make_event(database, "scene.created", cast.project["id"])
    assert len(cast.viewer.get("/events", cursor_name="nightly").data) == 1
    with database.transaction() as session:
        EVENTS.forget(session, within(events.c.created_at, None, clock.now + timedelta(days=1)))
    cast.viewer.get("/events", cursor_name="nightly").refused(410, "cursor-too-old")
