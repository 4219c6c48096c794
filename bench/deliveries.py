"""What care costs a delivery: durable deliveries a second of the worker ÷ POSTs a second of a bare aiohttp loop.

Both send the same bytes to the same sink, in turns. The worker is the product's own, over a durable database that holds
a backlog of events committed beforehand; its time ends when the last outcome is committed. Then, on each database: with
a sink that answers after 250 ms, and the statements that a delivery takes; memory while a larger backlog is drained.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psutil
import redis
import requests
from sqlalchemy import delete, func, select, text, update

from bench.servers import durable_database, durable_redis
from config import ROOT
from deploy.programs import worker
from domain.access import SYSTEM
from domain.clock import system_clock
from domain.db import Database
from domain.deliveries.models import is_open, webhook_deliveries
from domain.events.commands import Context, Happening, record_events
from domain.events.examples import example_data
from domain.events.models import events
from domain.ids import new_id
from domain.webhooks.models import webhooks
from jobs.queues import Bell
from tests.factories import SECRET, make_webhook
from tests.support.processes import environment, free_port
from tests.support.servers import server_process
from tests.support.waiting import wait_until

GOALS = {"sqlite": 0.7, "postgresql": 0.6}
SLOW_SECONDS, SLOW_GOAL = 0.25, 1000.0
MEMORY_MIB = 150.0
AT_ONCE = 500  # events in one transaction
MIB = 1024 * 1024


def main(arguments: list[str]) -> int:
    """Measure on each database; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench deliveries", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each side")
    parser.add_argument("--count", type=int, default=10_000, help="deliveries in each turn")
    parser.add_argument("--endpoints", type=int, default=1, help="that each event goes to")
    parser.add_argument("--drained", type=int, default=100_000, help="deliveries while memory is watched; 0 for none")
    parser.add_argument("--connections", type=int, default=64, help="of the bare loop")
    parser.add_argument("--database", choices=[*GOALS, "both"], default="both")
    options = parser.parse_args(arguments)
    met = True
    for kind in GOALS if options.database == "both" else (options.database,):
        with rig(kind, [str(number) for number in range(options.endpoints)]) as made:
            print(f"{kind}, {options.rounds} rounds of {options.count} deliveries to {options.endpoints} endpoints")
            met &= _ratio(made, options, GOALS[kind])
            if kind == "postgresql":
                _two_workers(made, options)
            met &= _slow(made)
            if options.drained:
                met &= _memory(made, options.drained)
    return 0 if met else 1


@dataclass
class Rig:
    """A database and a Redis for a worker, and a sink for what it sends."""

    database: Database
    bell: Bell
    given: dict[str, str]
    home: Path
    port: int

    def backlog(self, count: int) -> None:
        """Commit events for the webhooks in turn, with their deliveries; forget those of before."""
        with self.database.transaction() as session:
            session.execute(delete(webhook_deliveries))
            session.execute(delete(events))
        data, changes = example_data("asset.approved")
        for start in range(0, count, AT_ONCE):
            told = [
                Happening("asset.approved", None, {**data, "id": new_id("chr")}, changes)
                for _ in range(min(AT_ONCE, count - start))
            ]
            with self.database.transaction() as session:
                record_events(session, Context(SYSTEM, system_clock()), told)
        if self.database.is_sqlite:
            return
        with self.database.reading() as session:  # as autovacuum would have
            session.execute(text("VACUUM ANALYZE webhook_deliveries"))

    def body(self) -> bytes:
        with self.database.reading() as session:
            return str(session.execute(select(events.c.body).limit(1)).scalar_one()).encode()

    def is_empty(self) -> bool:
        """Whether nothing is open. In the queues' order and so from their index: it is asked while others work."""
        table = webhook_deliveries
        first = (
            select(table.c.id).where(is_open()).order_by(table.c.webhook_id, table.c.lane, table.c.due_at, table.c.id)
        )
        with self.database.reading() as session:
            return session.execute(first.limit(1)).first() is None

    def counts(self) -> dict[str, float]:
        """What the sink has seen since it was last asked."""
        told: dict[str, float] = self._told()
        return told

    def waited(self) -> list[float]:
        """How long after its event each arrived at a healthy endpoint of a timed sink, since it was last asked."""
        found: list[float] = self._told()["waited"]
        return found

    def _told(self) -> Any:
        return requests.get(f"http://127.0.0.1:{self.port}/", timeout=10).json()

    def drain(self, count: int, workers: int = 1, watch: list[float] | None = None) -> float:
        """Deliveries a second, from the first byte at the sink to the commit of the last outcome."""
        self.counts()
        with self.workers(workers) as processes:
            self.bell.ring()
            for _ in range(workers - 1):
                self.bell.call()
            ended = threading.Event()
            watcher = threading.Thread(target=_watch, args=(processes, ended, watch if watch is not None else []))
            watcher.start()
            wait_until(self.is_empty, 600, "the backlog was not drained")
            ended.set()
            watcher.join()
        with self.database.reading() as session:
            last = session.execute(select(func.max(webhook_deliveries.c.finished_at))).scalar_one()
        told = self.counts()
        assert told["count"] == count, f"{count} were due, {told['count']} came"
        return count / float(last.timestamp() - told["first"])

    @contextmanager
    def workers(self, count: int = 1) -> Iterator[list[psutil.Process]]:
        """So many of the product's workers."""
        chosen = environment(self.home, PYTHONPATH=str(ROOT), **self.given)
        logs = [self.home / f"worker-{number}.log" for number in range(count)]
        with ExitStack() as stack:
            started = [
                stack.enter_context(server_process(worker(), log, signal.SIGTERM, grace=40, env=chosen)) for log in logs
            ]
            yield [psutil.Process(process.pid) for process in started]


def _watch(processes: list[psutil.Process], ended: threading.Event, found: list[float]) -> None:
    """The largest of the workers, in MiB, ten times a second: Pss, for a child shares pages with its parent."""
    while not ended.wait(0.1):
        with suppress(psutil.Error):
            family = [child for process in processes for child in (process, *process.children())]
            found.append(max(each.memory_full_info().uss for each in family) / MIB)


@contextmanager
def rig(kind: str, endpoints: Sequence[str], *, timed: bool = False) -> Iterator[Rig]:
    with tempfile.TemporaryDirectory(prefix="callsheet-bench-") as folder:
        home = Path(folder)
        with durable_database(kind, home) as url, durable_redis(home) as redis_url, sink(home, timed=timed) as port:
            database = Database(url)
            with redis.Redis.from_url(redis_url) as client:
                given = {
                    "CALLSHEET_SECRET_KEY": SECRET, "DATABASE_URL": url, "REDIS_URL": redis_url,
                    "RQ_REDIS_URL": redis_url, "CALLSHEET_WEBHOOK_ALLOW_CIDRS": "127.0.0.0/8",
                }  # fmt: skip
                for path in endpoints:
                    make_webhook(database, url=f"http://127.0.0.1:{port}/{path}")
                yield Rig(database, Bell(client), given, home, port)
            database.dispose()


@contextmanager
def sink(home: Path, delay: float = 0.0, *, timed: bool = False) -> Iterator[int]:
    """A receiver in a process of its own; its port."""
    port = free_port()
    command = [sys.executable, str(ROOT / "bench" / "sink.py"), str(port), "--delay", str(delay)]
    command += ["--timed"] if timed else []
    with server_process(command, home / f"sink-{port}.log", signal.SIGTERM):
        wait_until(lambda: _answers(port), 30, "the sink does not answer")
        yield port


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/", timeout=5).ok
    except requests.ConnectionError:
        return False


def _bare(rig: Rig, options: argparse.Namespace) -> float:
    command = [sys.executable, "-m", "bench.bare_sender", f"http://127.0.0.1:{rig.port}/bare",
               "--count", str(options.count), "--connections", str(options.connections)]  # fmt: skip
    run = subprocess.run(command, input=rig.body(), stdout=subprocess.PIPE, check=True, cwd=ROOT)
    rate: float = options.count / orjson.loads(run.stdout)
    return rate


def _ratio(rig: Rig, options: argparse.Namespace, goal: float) -> bool:
    found = []
    for _ in range(options.rounds):
        rig.backlog(options.count // options.endpoints)
        found.append((_bare(rig, options), rig.drain(options.count // options.endpoints * options.endpoints)))
    ratios = [ours / theirs for theirs, ours in found]
    theirs, ours = (statistics.median(column) for column in zip(*found, strict=True))
    ratio = statistics.median(ratios)
    print(f"  durable {ours:6.0f}/s ÷ bare {theirs:6.0f}/s = {ratio:.3f} ({min(ratios):.3f}–{max(ratios):.3f})"
          f"   goal {goal:g}: {_word(ratio >= goal)}", flush=True)  # fmt: skip
    return ratio >= goal


def _two_workers(rig: Rig, options: argparse.Namespace) -> None:
    found = []
    for _ in range(options.rounds):
        rates = []
        for workers in (1, 2):
            rig.backlog(options.count)
            rates.append(rig.drain(options.count, workers))
        found.append(rates[1] / rates[0])
    print(f"  two workers ÷ one = {statistics.median(found):.2f}   goal 1.7, while cores last", flush=True)


def _slow(rig: Rig) -> bool:
    with sink(rig.home, SLOW_SECONDS) as port:
        count, fast = 15_000, rig.port
        rig.port = port
        _move(rig, port)
        rig.backlog(count)
        rate = rig.drain(count)
        rig.port = fast
        _move(rig, fast)
    print(f"  answers after 250 ms: {rate:.0f}/s   goal {SLOW_GOAL:g}: {_word(rate >= SLOW_GOAL)}", flush=True)
    return rate >= SLOW_GOAL


def _move(rig: Rig, port: int) -> None:
    with rig.database.transaction() as session:
        session.execute(update(webhooks).values(url=f"http://127.0.0.1:{port}/0"))


def _memory(rig: Rig, count: int) -> bool:
    rig.backlog(count)
    seen: list[float] = []
    began = time.perf_counter()
    rig.drain(count, watch=seen)
    settled = seen[len(seen) // 5 :]  # it has started
    flat = max(settled) - min(settled)
    met = max(seen) <= MEMORY_MIB
    print(f"  draining {count} in {time.perf_counter() - began:.0f} s: at most {max(seen):.0f} MiB, {flat:.0f} MiB of"
          f" it since it had started   goal {MEMORY_MIB:g} MiB: {_word(met)}", flush=True)  # fmt: skip
    return met


def _word(met: bool) -> str:
    return "met" if met else "missed"
