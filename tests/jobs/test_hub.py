"""The hub: who waits is woken by what any process has changed, with Redis and without."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
import redis

from config import Settings
from domain.db import signal_after_commit
from domain.signals import Changed
from jobs.hub import Hub
from jobs.runtime import Runtime, quick_redis
from tests.factories import SECRET
from tests.support.waiting import wait_until

LONG = 20.0  # seconds that no test takes unless nobody is woken
NOWHERE = "redis://127.0.0.1:9/0"


@pytest.fixture
def hub(redis_url: str) -> Hub:
    return listening(redis_url)


def listening(redis_url: str) -> Hub:
    """A hub that has heard the beginning of its listening, which counts as a change of everything."""
    hub = Hub(quick_redis(redis_url))
    wait_until(hub.mark, 5, "the hub does not listen")
    return hub


def waited(hub: Hub, mark: int, *topics: str) -> float:
    """How long the wait took."""
    began = time.monotonic()
    hub.wait(topics, mark, LONG)
    return time.monotonic() - began


def test_it_works(hub: Hub) -> None:
    mark = hub.mark()
    threading.Timer(0.1, hub.tell, [["jobs"]]).start()
    assert waited(hub, mark, "jobs", "events") < LONG


def test_what_changes_between_the_look_and_the_wait_is_not_missed(hub: Hub) -> None:
    mark = hub.mark()
    hub.tell(["jobs"])
    assert waited(hub, mark, "jobs") < LONG


def test_another_topic_wakes_nobody(hub: Hub) -> None:
    mark = hub.mark()
    hub.tell(["events"])
    began = time.monotonic()
    hub.wait(["jobs"], mark, 0.2)
    assert time.monotonic() - began >= 0.2


def test_a_topic_that_is_named_twice_is_one(hub: Hub) -> None:
    assert not hub.wait(["jobs", "jobs"], hub.mark(), 0.01)
    assert not hub._waiting


def test_another_process_wakes_too(hub: Hub, redis_url: str) -> None:
    other = listening(redis_url)
    mark = hub.mark()
    threading.Timer(0.1, other.tell, [["jobs"]]).start()
    assert waited(hub, mark, "jobs") < LONG


def test_while_redis_is_away_everything_may_have_changed() -> None:
    hub = Hub(quick_redis(NOWHERE))
    assert waited(hub, hub.mark(), "jobs") < 5
    assert waited(hub, hub.mark(), "jobs") < 5


def test_while_redis_is_away_a_process_wakes_its_own() -> None:
    hub = Hub(quick_redis(NOWHERE))
    hub.tell(["jobs"])
    mark = hub.mark()
    hub.tell(["jobs"])
    assert waited(hub, mark, "jobs") < 0.5


def listeners(client: redis.Redis) -> set[str]:
    """The connections that have subscribed to something."""
    return {each["id"] for each in client.client_list(_type="pubsub") if each["sub"] != "0"}


def test_a_connection_that_is_lost_is_made_anew(hub: Hub, redis_url: str, redis_client: redis.Redis) -> None:
    lost = listeners(redis_client)  # also of hubs of other tests
    redis_client.client_kill_filter(_type="pubsub")
    wait_until(lambda: not listeners(redis_client) & lost, 5, "the connection was not lost")
    other = Hub(quick_redis(redis_url))

    def is_heard() -> bool:
        mark = hub.mark()
        other.tell(["jobs"])
        return hub.wait(["jobs"], mark, 0.1)

    wait_until(is_heard, 10, "the hub does not listen again")
    mark = hub.mark()
    threading.Timer(0.1, other.tell, [["jobs"]]).start()
    assert waited(hub, mark, "jobs") < LONG


def test_more_topics_than_are_remembered_wake_rather_than_not(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.hub.MOST_TOPICS", 2)
    mark = hub.mark()
    for topic in ("one", "two", "three"):
        hub.tell([topic])
    assert waited(hub, mark, "one") < LONG


def test_a_process_that_delivers_tells_too(database_url: str, redis_url: str, hub: Hub, home: Path) -> None:
    given = {"CALLSHEET_HOME": str(home), "DATABASE_URL": database_url, "REDIS_URL": redis_url}
    runtime = Runtime.build(Settings.from_env({**given, "CALLSHEET_SECRET_KEY": SECRET}))
    mark = hub.mark()
    with runtime.database.transaction() as session:
        signal_after_commit(session, Changed("jobs"))
    runtime.database.dispose()
    assert waited(hub, mark, "jobs") < LONG
