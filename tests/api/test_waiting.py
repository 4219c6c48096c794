"""Calls that wait: answered as soon as there is something, with nothing open meanwhile."""

from __future__ import annotations

import gc
import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import QueuePool, func, select

from api.call import Call
from domain.audit.models import api_audit_log
from domain.db import Database
from tests.api.client import Answer, Client
from tests.api.conftest import Cast, MakeApp
from tests.factories import change_key, make_event, make_key
from tests.support.clock import StoppedClock
from tests.support.queries import recorded
from tests.support.waiting import wait_until

KEPT = 4  # connections that reads keep between calls: a quarter of the pool
SOON = 5.0  # seconds; a call that nobody wakes looks again after a minute


class Waiting:
    """A call under way, which has looked at least once and found nothing."""

    def __init__(self, client: Client, database: Database, path: str = "/events?wait=30") -> None:
        self.began = time.monotonic()
        self._pool = ThreadPoolExecutor(1)
        with recorded(database) as seen:
            self._call: Future[Answer] = self._pool.submit(client.call, "GET", path)
            wait_until(lambda: any("event_feed" in text for text in seen), 5, "the call did not look")

    def answer(self) -> Answer:
        found = self._call.result(timeout=40)
        self._pool.shutdown()
        assert time.monotonic() - self.began < SOON
        return found


@pytest.fixture(autouse=True)
def heard(cast: Cast) -> None:
    """The hub listens: until it does, everything counts as changed every second."""
    changes = cast.viewer.services.changes
    wait_until(changes.mark, 5, "the hub does not listen")


def test_it_works(cast: Cast, database: Database) -> None:
    waiting = Waiting(cast.viewer, database)
    made = cast.admin.post("/characters", {"name": "Mara", "project_id": cast.project["id"]}).data
    (event,) = waiting.answer().data
    assert (event["type"], event["data"]["id"]) == ("character.created", made["id"])


def test_it_is_answered_with_nothing_when_the_time_is_up(cast: Cast) -> None:
    began = time.monotonic()
    answer = cast.viewer.get("/events", wait="0.3")
    assert answer.data == []
    assert 0.3 <= time.monotonic() - began < SOON


def test_what_is_there_is_answered_at_once(cast: Cast, database: Database) -> None:
    make_event(database, "scene.created", cast.project["id"])
    began = time.monotonic()
    assert len(cast.viewer.get("/events", wait="30").data) == 1
    assert time.monotonic() - began < SOON


def test_head_does_not_wait(cast: Cast) -> None:
    began = time.monotonic()
    assert cast.viewer.call("HEAD", "/events?wait=30").status == 200
    assert time.monotonic() - began < SOON


def test_it_waits_with_no_connection(cast: Cast, database: Database) -> None:
    waiting = [Waiting(cast.viewer, database) for _ in range(KEPT + 2)]
    pool = database.engine.pool
    assert isinstance(pool, QueuePool)
    wait_until(lambda: pool.checkedout() <= KEPT, 5, "connections are held")
    with database.reading() as session:
        assert session.execute(select(func.count()).select_from(api_audit_log)).scalar_one() == 0
    make_event(database, "scene.created", cast.project["id"])
    for each in waiting:
        assert len(each.answer().data) == 1


def test_it_is_audited_once_when_it_is_answered(cast: Cast, database: Database) -> None:
    waiting = Waiting(cast.viewer, database)
    make_event(database, "scene.created", cast.project["id"])
    answer = waiting.answer()  # which has one row
    assert answer.audit["params"] == {"query": {"wait": "30"}}


def test_an_event_of_another_project_does_not_end_it(cast: Cast, database: Database) -> None:
    waiting = Waiting(cast.creator, database)
    make_event(database, "scene.created", cast.foreign_project["id"])
    made = make_event(database, "scene.created", cast.project["id"])
    assert waiting.answer().ids == [made]


def test_a_key_that_is_revoked_meanwhile_is_refused(cast: Cast, database: Database) -> None:
    waiting = Waiting(cast.viewer, database)
    assert cast.viewer.key is not None
    cast.admin.post(f"/api-keys/{cast.viewer.key.id}/revoke", {})
    waiting.answer().refused(401, "key-revoked")


def test_a_key_that_may_see_less_by_now_sees_less(cast: Cast, database: Database) -> None:
    key = make_key(database, "viewer", "read_only")
    waiting = Waiting(Client(cast.admin.app, key), database)
    change = {"scope": "project", "project_ids": [cast.project["id"]]}
    assert cast.admin.call("PATCH", f"/api-keys/{key.id}", json=change).status == 200
    make_event(database, "scene.created", cast.foreign_project["id"])
    made = make_event(database, "scene.created", cast.project["id"])
    assert waiting.answer().ids == [made]


def test_a_key_that_expires_meanwhile_is_refused(cast: Cast, database: Database, clock: StoppedClock) -> None:
    key = make_key(database, "viewer", "read_only", expires_at=clock.now + timedelta(seconds=5))
    waiting = Waiting(Client(cast.admin.app, key), database)
    clock.advance(seconds=6)
    make_event(database, "scene.created", cast.project["id"])
    waiting.answer().refused(401, "key-expired")


def test_where_no_more_can_wait_it_is_answered_at_once(make_app: MakeApp, cast: Cast, database: Database) -> None:
    full = Client(make_app(web_waiters="0"), cast.viewer.key)
    began = time.monotonic()
    assert full.get("/events", wait="30").data == []
    assert time.monotonic() - began < SOON


def test_another_process_wakes_it(make_app: MakeApp, cast: Cast, database: Database) -> None:
    waiting = Waiting(cast.viewer, database)
    other = Client(make_app(), cast.admin.key)
    other.post("/characters", {"name": "Mara", "project_id": cast.project["id"]})
    assert len(waiting.answer().data) == 1


def test_without_redis_it_looks_every_second(make_app: MakeApp, cast: Cast, database: Database) -> None:
    lonely = Client(make_app(redis_url="redis://127.0.0.1:9/0"), cast.viewer.key)
    waiting = Waiting(lonely, lonely.services.database)
    make_event(database, "scene.created", cast.project["id"])  # in another process
    assert len(waiting.answer().data) == 1


def test_those_that_wait_keep_nobody_from_working(make_app: MakeApp, cast: Cast, database: Database) -> None:
    narrow = make_app(web_threads="1")
    waiting = [Waiting(Client(narrow, cast.viewer.key), narrow.extensions["callsheet"].database) for _ in range(3)]
    assert Client(narrow, cast.viewer.key).get("/me").status == 200
    make_event(database, "scene.created", cast.project["id"])
    for each in waiting:
        assert len(each.answer().data) == 1


def test_a_suspended_key_is_refused_after_its_time(cast: Cast, database: Database) -> None:
    """Also when nobody was told of it."""
    key = make_key(database, "viewer", "read_only")
    client = Client(cast.admin.app, key)
    waiting = Waiting(client, database, "/events?wait=2.5")
    change_key(database, key.id, suspended_at=cast.admin.services.clock())
    waiting.answer().refused(401, "key-suspended")


def test_nothing_of_a_call_is_left_to_the_garbage_collector(cast: Cast) -> None:
    """Whose rounds stop every thread, for the longer the more calls wait."""
    gc.collect()
    gc.disable()
    try:
        before = _calls_alive()
        for path in ("/me", "/events", "/events?wait=0.01", "/characters/nobody", "/characters?nonsense=1", "/nowhere"):
            cast.viewer.call("GET", path)
        cast.viewer.post("/characters", {"name": "", "project_id": cast.project["id"]})
        for query in ("{ me {", "{ me { password } }", "{ me { " + "id " * 11 + "} }"):
            cast.viewer.post("/graphql", {"query": f"{query} # {cast.project['id']}"})
        assert len(_calls_alive()) == len(before)
    finally:
        gc.enable()


def _calls_alive() -> list[Call]:
    return [found for found in gc.get_objects() if isinstance(found, Call)]
