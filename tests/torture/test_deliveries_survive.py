"""Nothing is lost, made up or overwritten while workers, sweeper, web and Redis's memory are taken away at random."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis
import requests
from sqlalchemy import func, select

from config import redis_socket
from domain.db import Database
from domain.deliveries.claiming import LEASE
from domain.deliveries.models import webhook_attempts, webhook_deliveries
from domain.events.models import events
from tests.factories import SECRET, Webhook, make_key, make_project, make_webhook
from tests.support.processes import Product, running
from tests.support.receiver import Answer, Arrival, Receiver, receiver
from tests.support.waiting import wait_until

pytestmark = pytest.mark.torture
FAULTS = 110
BATCHES, EACH = 100, 100  # events; each goes to two webhooks
SETTINGS = {"CALLSHEET_SECRET_KEY": SECRET, "CALLSHEET_DEMO": "0", "CALLSHEET_WEBHOOK_ALLOW_CIDRS": "127.0.0.0/8"}


@dataclass
class Chaos:
    """Takes things away, one after the other, and counts what was under way when a sender was killed."""

    product: Product
    database: Database
    done: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    draw: random.Random = field(default_factory=lambda: random.Random(7))

    def strike(self) -> None:
        """One fault; what it hit may already be gone."""
        kinds: dict[str, Callable[[], bool]] = {
            "worker": lambda: self._kill(self.product.pid("worker"), sends=False),
            "work horse": self._kill_horse,
            "sweeper": lambda: self._kill(self.product.pid("sweeper"), sends=True),
            "web": self._kill_web,
            "Redis's memory": self._flush,
        }
        name = self.draw.choice(list(kinds))
        if kinds[name]():
            self.done[name] += 1

    def _kill_horse(self) -> bool:
        worker = self.product.pid("worker")
        horses = self.product.children(worker) if worker else []
        return self._kill(horses[0] if horses else None, sends=True)

    def _kill_web(self) -> bool:
        web = self.product.pid("web")
        children = self.product.children(web) if web else []
        return self._kill(self.draw.choice(children) if children else None, sends=False)

    def _flush(self) -> bool:
        with redis.Redis.from_url(f"unix://{redis_socket(self.product.home)}") as client, suppress(redis.RedisError):
            return bool(client.flushall())
        return False

    def _kill(self, pid: int | None, *, sends: bool) -> bool:
        if pid is None:
            return False
        with suppress(ProcessLookupError):
            if sends:  # first it is frozen: what it has claimed is then exactly what it can have sent unrecorded
                os.kill(pid, signal.SIGSTOP)
                self.in_flight += self.sending()
            os.kill(pid, signal.SIGKILL)
            return True
        return False

    def sending(self) -> int:
        with self.database.reading() as session:
            chosen = select(func.count()).where(webhook_deliveries.c.status == "sending")
            return int(session.execute(chosen).scalar_one())


def test_twenty_thousand_deliveries_under_a_hundred_faults(database_url: str, home: Path) -> None:
    database = Database(database_url)
    with receiver() as tool, running(home, DATABASE_URL=database_url, **SETTINGS) as product:
        hooks = {path: make_webhook(database, ("character.*",), url=f"{tool.url}/{path}") for path in "ab"}
        tool.answer = _checking(hooks)
        chaos = Chaos(product, database)
        writer = threading.Thread(
            target=_write,
            args=(product, make_key(database, write_per_minute=1_000_000).token, make_project(database)["id"]),
        )
        writer.start()
        while writer.is_alive() or chaos.done.total() < FAULTS:
            chaos.strike()
            time.sleep(chaos.draw.uniform(0.1, 0.6))  # faults are to fall anywhere, not behind each other
        writer.join()
        wait_until(lambda: _statuses(database).keys() == {"delivered"}, 240, lambda: str(_statuses(database)))
        product.stop()
    _check(database, tool, hooks, chaos)
    database.dispose()


def _checking(hooks: dict[str, Webhook]) -> Callable[[Arrival], Answer]:
    def answer(arrival: Arrival) -> Answer:
        arrival.verify(hooks[arrival.path[-1]].secret)  # a wrong signature closes the connection: it never ends
        return Answer(delay=0.02)

    return answer


def _write(product: Product, token: str, project_id: str) -> None:
    """Every batch again until it is answered."""
    headers = {"Authorization": f"Bearer {token}"}
    for number in range(BATCHES):
        body = {"project_id": project_id, "name": "One of many"}
        operations = [
            {"method": "POST", "path": "/characters", "body": {**body, "code": f"c-{number}-{each}"}}
            for each in range(EACH)
        ]
        while True:
            with suppress(requests.ConnectionError):
                answer = requests.post(
                    f"{product.url}/api/v1/batch",
                    json={"atomic": True, "operations": operations},
                    headers={**headers, "Idempotency-Key": f"batch {number}"},
                    timeout=30,
                )
                if answer.ok:
                    break
                assert answer.status_code in (409, 429, 503), answer.text
            time.sleep(0.2)  # what is starting again needs a moment


def _statuses(database: Database) -> dict[str, int]:
    with database.reading() as session:
        rows = select(webhook_deliveries.c.status, func.count()).group_by(webhook_deliveries.c.status)
        return {row[0]: row[1] for row in session.execute(rows)}


def _check(database: Database, tool: Receiver, hooks: dict[str, Webhook], chaos: Chaos) -> None:
    with database.reading() as session:
        bodies = {row.id: row.body for row in session.execute(select(events.c.id, events.c.body))}
        kept = Counter(session.execute(select(webhook_deliveries.c.event_id)).scalars())
        attempts = session.execute(select(func.count()).select_from(webhook_attempts)).scalar_one()
    assert len(bodies) == BATCHES * EACH
    assert set(kept.values()) == {len(hooks)}
    arrived = Counter((arrival.path[-1], arrival.id) for arrival in tool.arrivals)
    assert arrived.keys() == {(path, event_id) for path in hooks for event_id in bodies}, "lost or made up"
    assert all(arrival.body.decode() == bodies[arrival.id] for arrival in tool.arrivals)
    duplicates = arrived.total() - len(arrived)
    print(f"{chaos.done.total()} faults {dict(chaos.done)}: {len(arrived)} deliveries, {attempts} attempts recorded, "
          f"{duplicates} duplicates, {chaos.in_flight} under way when a sender was killed")  # fmt: skip
    assert chaos.done.total() >= FAULTS
    assert duplicates <= chaos.in_flight


def test_a_worker_that_was_frozen_past_its_lease_overwrites_nothing(database_url: str, home: Path) -> None:
    database = Database(database_url)
    answered = threading.Event()
    with receiver() as tool, running(home, DATABASE_URL=database_url, **SETTINGS) as product:
        make_webhook(database, ("project.*",), url=tool.url)

        def answer(_: Arrival) -> Answer:
            if len(tool.arrivals) > 1:
                return Answer()
            answered.wait(120)
            return Answer(500)

        tool.answer = answer
        token = make_key(database).token
        made = requests.post(f"{product.url}/api/v1/projects", json={"name": "Frozen"}, timeout=30,
                             headers={"Authorization": f"Bearer {token}"})  # fmt: skip
        assert made.ok
        tool.wait_for(1)
        worker = product.pid("worker")
        assert worker
        (horse,) = product.children(worker)
        os.kill(horse, signal.SIGSTOP)
        delivered = {"delivered": 1}
        wait_until(lambda: _statuses(database) == delivered, LEASE.seconds + 60, "nobody else delivered it")
        answered.set()
        os.kill(horse, signal.SIGCONT)
        wait_until(lambda: _attempts(database) == [500, 200], 30, lambda: str(_attempts(database)))
        assert _statuses(database) == delivered
        product.stop()
    database.dispose()


def _attempts(database: Database) -> list[int]:
    with database.reading() as session:
        return list(
            session.execute(select(webhook_attempts.c.status_code).order_by(webhook_attempts.c.number)).scalars()
        )
