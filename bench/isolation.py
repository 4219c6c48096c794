"""What sick endpoints cost the healthy ones: event to arrival, with and without one of 100 hanging and ten failing.

The sick ones are there in both runs and receive the same events; without them, they answer like the others. Events are
committed at a steady pace, each for all endpoints, and the product's worker delivers them.
"""

from __future__ import annotations

import argparse
import statistics
import time

from bench.deliveries import Rig, rig
from domain.access import SYSTEM
from domain.clock import system_clock
from domain.events.commands import Context, Happening, record_events
from domain.events.examples import example_data
from domain.ids import new_id
from tests.support.waiting import wait_until

ENDPOINTS, HANGING, FAILING = 100, 1, 10
HEALTHY = ENDPOINTS - HANGING - FAILING
GOAL = 1.1


def main(arguments: list[str]) -> int:
    """Measure on each database; 1 when a ratio misses the goal."""
    parser = argparse.ArgumentParser(prog="python -m bench isolation", description=__doc__)
    parser.add_argument("--seconds", type=float, default=25.0, help="of each turn")
    parser.add_argument("--pace", type=float, default=4.0, help="events a second, each for 100 endpoints")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each side")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    options = parser.parse_args(arguments)
    met = True
    for kind in ("sqlite", "postgresql") if options.database == "both" else (options.database,):
        without, among = list[float](), list[float]()
        for _ in range(options.rounds):
            turns = [_turn(kind, options, sick) for sick in (False, True)]
            print(f"{kind}: p50 and p99 of the healthy {_shown(turns[0])} without, {_shown(turns[1])} among sick ones")
            without += turns[0]
            among += turns[1]
        # Of all turns together: each has a hundred events, and its p99 is made of the slowest of them alone.
        ratio = _hundredths(among)[98] / _hundredths(without)[98]
        met &= ratio < GOAL
        print(f"  all of it {_shown(without)} without, {_shown(among)} among: p99 ÷ p99 = {ratio:.2f}"
              f"   goal under {GOAL:g}: {'met' if ratio < GOAL else 'missed'}", flush=True)  # fmt: skip
    return 0 if met else 1


def _turn(kind: str, options: argparse.Namespace, sick: bool) -> list[float]:
    """How long the deliveries to the healthy took."""
    hanging, failing = ("hang", "fail") if sick else ("other", "other")
    names = [hanging] * HANGING + [failing] * FAILING + ["healthy"] * HEALTHY
    with rig(kind, [f"{name}-{number}" for number, name in enumerate(names)], timed=True) as made, made.workers():
        _waited(made, options.pace, 3.0)  # everything is loaded, every connection made
        return _waited(made, options.pace, options.seconds)


def _waited(made: Rig, pace: float, seconds: float) -> list[float]:
    """How long the deliveries of so many seconds took to the healthy, each of them."""
    due, waited = HEALTHY * _send(made, pace, seconds), list[float]()

    def all_came() -> bool:
        waited.extend(made.waited())
        return len(waited) >= due

    wait_until(all_came, 60, lambda: f"{due} were due at healthy endpoints, {len(waited)} came")
    return waited


def _send(made: Rig, pace: float, seconds: float) -> int:
    """Commit events at that pace, for so long; how many."""
    data, changes = example_data("asset.approved")
    began, sent = time.perf_counter(), 0
    while (now := time.perf_counter() - began) < seconds:
        if sent > now * pace:
            time.sleep(sent / pace - now)
            continue
        sent += 1
        happening = Happening("asset.approved", None, {**data, "id": new_id("chr")}, changes)
        with made.database.transaction() as session:
            record_events(session, Context(SYSTEM, system_clock()), [happening])
        made.bell.ring()
    return sent


def _shown(waited: list[float]) -> str:
    found = _hundredths(waited)
    return f"{found[49] * 1000:.0f} and {found[98] * 1000:.0f} ms"


def _hundredths(waited: list[float]) -> list[float]:
    return statistics.quantiles(waited, n=100)
