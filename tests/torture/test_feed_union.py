"""The feed, a stream whose connections are lost and a webhook tell of the same events, while 20 writers write.

Each event once; feed and stream in one order. `CALLSHEET_TEST_EVENTS` says how many, 50,000 by itself.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import orjson
import pytest
import requests
from sqlalchemy import Subquery, func, select

from config import redis_socket
from domain.access import SYSTEM
from domain.clock import system_clock
from domain.db import Database
from domain.events.commands import Context, Happening, record_events
from domain.events.examples import example_data
from domain.events.models import events
from domain.ids import new_id
from domain.signals import Signal, topics_of
from jobs.hub import Hub
from jobs.queues import Bell
from jobs.runtime import quick_redis
from tests.factories import SECRET, make_key, make_project, make_webhook
from tests.support.databases import PostgresqlDatabases
from tests.support.processes import Product, running
from tests.support.receiver import receiver
from tests.support.sse import frames

pytestmark = pytest.mark.torture
COUNT = int(os.environ.get("CALLSHEET_TEST_EVENTS", "50000"))
WRITERS = 20
MOST_IN_ONE = 5  # events of a transaction
WITHIN = 120 + COUNT / 50  # seconds
SETTINGS = {"CALLSHEET_SECRET_KEY": SECRET, "CALLSHEET_DEMO": "0", "CALLSHEET_WEBHOOK_ALLOW_CIDRS": "127.0.0.0/8"}


@pytest.fixture
def url(postgresql_databases: PostgresqlDatabases) -> Iterator[str]:
    with postgresql_databases.fresh() as made:
        yield made


def test_all_three_tell_the_same(url: str, home: Path) -> None:
    database = Database(url, pool=WRITERS + 4)
    with receiver() as tool, running(home, DATABASE_URL=url, **SETTINGS) as product:
        make_webhook(database, ("*",), url=f"{tool.url}/all")
        token = make_key(database, read_per_minute=1_000_000).token
        project_id = make_project(database)["id"]
        _tell_others(database, product)
        with ThreadPoolExecutor(WRITERS + 2) as pool:
            until = time.monotonic() + WITHIN
            feed = pool.submit(_read_feed, product, token, until)
            stream = pool.submit(_read_stream, product, token, until)
            writers = [pool.submit(_write, database, project_id, COUNT // WRITERS, seed) for seed in range(WRITERS)]
            for writer in writers:
                writer.result()
            told = {"feed": feed.result(), "stream": stream.result()[0]}
        tool.wait_for(COUNT, WITHIN)
    with database.reading() as session:
        committed = set(session.execute(select(events.c.id)).scalars())
        late = session.execute(select(func.count()).select_from(_overtaken())).scalar_one()
    assert len(committed) == COUNT
    for name, ids in told.items():
        assert [found for found, times in Counter(ids).items() if times > 1] == [], name
        assert set(ids) == committed, name
    assert tool.ids() == committed
    assert told["feed"] == told["stream"]
    assert late > 0, "no event was committed late, which is what this is about"
    print(f"{COUNT} events, {late} behind a later one, {stream.result()[1]} connections")
    database.dispose()


def _tell_others(database: Database, product: Product) -> None:
    """What these commits signal goes where those of the product go."""
    redis = quick_redis(f"unix://{redis_socket(product.home)}")
    hub, bell = Hub(redis), Bell(redis)

    def spread(signals: list[Signal]) -> None:
        bell.ring()
        hub.tell(topics_of(signals))

    database.after_commit = spread


def _write(database: Database, project_id: str, count: int, seed: int) -> None:
    """Events in transactions of which some stay open behind what they wrote, so that they are committed late."""
    draw = random.Random(seed)
    data, changes = example_data("asset.approved")
    while count:
        size = min(count, draw.randint(1, MOST_IN_ONE))
        count -= size
        happenings = [
            Happening("asset.approved", project_id, {**data, "id": new_id("chr")}, changes) for _ in range(size)
        ]
        with database.transaction() as session:
            record_events(session, Context(SYSTEM, system_clock()), happenings)
            if draw.random() < 0.2:
                time.sleep(draw.uniform(0, 0.03))  # the slowness under test, not a wait for something


def _read_feed(product: Product, token: str, until: float) -> list[str]:
    """Every event, by one call behind another."""
    found: list[str] = []
    after = ""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        while len(found) < COUNT and time.monotonic() < until:
            query: dict[str, str | int] = {"after": after, "wait": 5, "limit": 200}
            answer = session.get(f"{product.url}/api/v1/events", params=query, timeout=60)
            assert answer.status_code == 200, answer.text
            found += [event["id"] for event in answer.json()["data"]]
            after = answer.json()["page"]["next"]
    return found


def _read_stream(product: Product, token: str, until: float) -> tuple[list[str], int]:
    """Every event, by connections that are lost again and again; and how many these were."""
    found: list[str] = []
    last, connections, draw = "", 0, random.Random(1)
    while len(found) < COUNT and time.monotonic() < until:
        connections += 1
        headers = {"Authorization": f"Bearer {token}", **({"Last-Event-ID": last} if last else {})}
        bound = len(found) + draw.randint(1, max(COUNT // 50, 2))
        with (
            suppress(requests.RequestException),
            requests.get(f"{product.url}/api/v1/events/stream", headers=headers, stream=True, timeout=20) as answer,
        ):
            if answer.status_code == 429:  # the connections that were lost are not all known to be
                threading.Event().wait(1)
                continue
            for frame in frames(answer.iter_content(None)):
                last = frame.id or last
                if frame.data:
                    found.append(orjson.loads(frame.data)["id"])
                if len(found) >= min(bound, COUNT):
                    break
    return found, connections


def _overtaken() -> Subquery:
    """Events whose place is behind that of an event with a higher number."""
    before = func.max(events.c.seq).over(order_by=events.c.position, rows=(None, -1)).label("before")
    ordered = select(events.c.seq, before).subquery()
    return select(ordered.c.seq).where(ordered.c.seq < ordered.c.before).subquery()
