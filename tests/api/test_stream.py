"""GET /events/stream: events as they happen, on one connection that can be lost without losing any."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest

from api.v1.events import following
from domain.db import Database
from tests.api.client import Client
from tests.api.conftest import Cast, MakeApp
from tests.factories import make_event, make_key
from tests.support.sse import Frame, frames
from tests.support.waiting import wait_until


@contextmanager
def opened(client: Client, path: str = "/events/stream", **headers: str) -> Iterator[Iterator[Frame]]:
    """The frames behind the first, which says when to come back."""
    response = client.send("GET", path, headers=headers)
    assert response.status_code == 200, response.text
    assert response.content_type == "text/event-stream"
    found = frames(response.iter_encoded())
    assert next(found) == Frame(retry="2000")
    yield found
    response.close()


@pytest.fixture(autouse=True)
def heard(cast: Cast) -> None:
    wait_until(cast.viewer.services.changes.mark, 5, "the hub does not listen")


def test_it_works(cast: Cast, database: Database) -> None:
    first = make_event(database, "scene.created", cast.project["id"])
    with opened(cast.viewer) as told:
        frame = next(told)
        assert frame.event == "scene.created"
        assert orjson.loads(frame.data) == cast.viewer.get(f"/events/{first}").data
        later = cast.admin.post("/characters", {"name": "Mara", "project_id": cast.project["id"]}).data
        assert orjson.loads(next(told).data)["data"]["id"] == later["id"]


def test_a_lost_connection_loses_no_event(cast: Cast, database: Database) -> None:
    made = [make_event(database, "scene.created", cast.project["id"]) for _ in range(4)]
    with opened(cast.viewer) as told:
        seen = [next(told) for _ in range(2)]
    with opened(cast.viewer, **{"Last-Event-ID": seen[-1].id}) as told:
        seen += [next(told) for _ in range(2)]
    assert [orjson.loads(frame.data)["id"] for frame in seen] == made


def test_its_ids_are_cursors_of_the_feed(cast: Cast, database: Database) -> None:
    make_event(database, "scene.created", cast.project["id"])
    later = make_event(database, "scene.created", cast.project["id"])
    with opened(cast.viewer) as told:
        cursor = next(told).id
    assert cast.viewer.get("/events", after=cursor).ids == [later]
    with opened(cast.viewer, f"/events/stream?after={cursor}") as told:
        assert orjson.loads(next(told).data)["id"] == later


def test_a_comment_shows_that_it_lives(cast: Cast, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the cursor behind what the caller did not want to be told."""
    monkeypatch.setattr(following, "HEARTBEAT_SECONDS", 0.2)
    make_event(database, "scene.created", cast.project["id"])
    with opened(cast.viewer, "/events/stream?types=asset.*") as told:
        beat = next(told)
    assert (beat.event, beat.data) == ("", "")
    assert cast.viewer.get("/events", after=beat.id).data == []


def test_scope_and_filters_apply(cast: Cast, database: Database) -> None:
    make_event(database, "scene.created", cast.foreign_project["id"])
    make_event(database, "scene.created", cast.project["id"])
    wanted = make_event(database, "asset.approved", cast.project["id"])
    with opened(cast.creator, "/events/stream?types=asset.*") as told:
        assert orjson.loads(next(told).data)["id"] == wanted


def test_it_ends_with_the_key(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "HEARTBEAT_SECONDS", 0.2)
    assert cast.viewer.key is not None
    with opened(cast.viewer) as told:
        next(told)
        cast.admin.post(f"/api-keys/{cast.viewer.key.id}/revoke", {})
        for frame in told:
            assert frame.data == ""


def test_it_ends_with_the_key_although_there_is_more_to_tell(
    cast: Cast, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "AT_ONCE", 1)
    for _ in range(9):
        make_event(database, "scene.created", cast.project["id"])
    assert cast.viewer.key is not None
    with opened(cast.viewer) as told:
        next(told)
        cast.admin.post(f"/api-keys/{cast.viewer.key.id}/revoke", {})
        assert len(list(told)) <= 1


def test_a_key_has_so_many(make_app: MakeApp, cast: Cast) -> None:
    client = Client(make_app(streams_per_key="2"), cast.viewer.key)
    with opened(client), opened(client):
        refused = client.call("GET", "/events/stream").refused(429, "too-many-streams")
        assert int(refused.headers["Retry-After"]) > 0
        with opened(Client(client.app, cast.admin.key)):
            pass
    with opened(client):
        pass


def test_a_stream_that_is_never_read_gives_its_place_back(make_app: MakeApp, cast: Cast) -> None:
    client = Client(make_app(streams_per_key="1"), cast.viewer.key)
    for _ in range(3):
        client.send("GET", "/events/stream").close()
        assert client.call("HEAD", "/events/stream").status == 200


def test_where_no_more_can_wait_it_is_refused(make_app: MakeApp, cast: Cast) -> None:
    client = Client(make_app(web_waiters="0"), cast.viewer.key)
    assert "Retry-After" in client.call("GET", "/events/stream").refused(503, "busy").headers


@pytest.mark.parametrize(
    ("path", "headers", "parameter"),
    [
        ("/events/stream?after=nonsense", {}, "after"),
        ("/events/stream", {"Last-Event-ID": "nonsense"}, "after"),
        ("/events/stream?limit=3", {}, "limit"),
        ("/events/stream?wait=3", {}, "wait"),
        ("/events/stream?types=nonsense", {}, "types"),
    ],
)
def test_a_bad_query_is_refused(cast: Cast, path: str, headers: dict[str, Any], parameter: str) -> None:
    refused = cast.viewer.call("GET", path, headers=headers).refused(400, "bad-query")
    assert refused.document["parameter"] == parameter


def test_it_is_audited_when_it_opens_and_costs_one_call(cast: Cast, database: Database) -> None:
    client = Client(cast.admin.app, make_key(database, "viewer", "read_only", read_per_minute=1))
    with opened(client):
        entry = cast.admin.call("GET", "/audit?path=/api/v1/events/stream").data
        client.get("/projects").refused(429, "quota-exceeded")
    assert [(row["status_code"], row["method"]) for row in entry] == [(200, "GET")]
