"""How long after an approval the first byte reaches the receiver, while nothing else happens.

Starts the real product (web, worker, sweeper, Redis) with the demo studio in a temporary home, approves one segment at
a time with idle time between, and takes the time at the socket of a receiver in this process. Three clocks are told:
from the call's first byte out, from the answer's arrival (just after the commit), and the call itself.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.client import Script
from tests.support.databases import PostgresqlDatabases
from tests.support.processes import Product, running
from tests.support.receiver import receiver
from tests.support.servers import postgresql_process
from tests.support.waiting import wait_until

GOAL_MS = 50.0


def main(arguments: list[str]) -> int:
    """Measure on each database; 1 when a median misses the goal."""
    parser = argparse.ArgumentParser(prog="python -m bench latency", description=__doc__)
    parser.add_argument("--approvals", type=int, default=40, help="how many to measure on each database")
    parser.add_argument("--idle", type=float, default=1.0, help="seconds of idleness before each")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    options = parser.parse_args(arguments)
    missed = False
    for kind in ("sqlite", "postgresql") if options.database == "both" else (options.database,):
        with _product(kind) as product:
            missed |= not _report(kind, _measure(product, options.approvals, options.idle))
    return int(missed)


@contextmanager
def _product(kind: str) -> Iterator[Product]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        if kind == "sqlite":
            with running(home) as product:
                yield product
        else:
            with postgresql_process() as url, running(home, DATABASE_URL=PostgresqlDatabases(url).bare()) as product:
                yield product


def _measure(product: Product, approvals: int, idle: float) -> list[tuple[float, float, float]]:
    """Milliseconds: call to byte, answer to byte (negative when the byte was there first), call to answer."""
    product.wait_until_answering()
    script, found = Script(product), []
    with receiver() as tool:
        script.post("/webhooks", {"url": tool.url, "event_types": ["asset.*"]})
        for number, segment in enumerate(script.pages("/segments", status="in_review")[:approvals], start=1):
            time.sleep(idle)  # idleness is what is being measured
            called = time.perf_counter()
            script.decide(segment, "approved")
            answered = time.perf_counter()
            wait_until(lambda: len(tool.arrivals) >= number, 30, "the webhook did not arrive")  # noqa: B023 - called within the turn
            byte = tool.arrivals[number - 1].at
            found.append(((byte - called) * 1000, (byte - answered) * 1000, (answered - called) * 1000))
    return found


def _report(kind: str, found: list[tuple[float, float, float]]) -> bool:
    names = ("approve → first byte", "answer → first byte", "approve → answer")
    print(f"{kind}, {len(found)} approvals, idle")
    for name, values in zip(names, zip(*found, strict=True), strict=True):
        ordered = sorted(values)
        p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
        print(f"  {name:22} median {statistics.median(values):6.1f} ms   p99 {p99:6.1f} ms   max {ordered[-1]:6.1f} ms")
    median = statistics.median(first for first, _, _ in found)
    met = median <= GOAL_MS
    print(f"  goal: approve → first byte ≤ {GOAL_MS:g} ms median: {'met' if met else 'missed'}")
    return met
