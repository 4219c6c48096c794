"""What the API's care costs: calls a second of the product ÷ those of a bare Flask that answers the same bytes.

Starts both on granian with one process each (same threads, real Redis, durable database) and drives them in turns, so
that whatever else the machine does befalls both. Then loads the product with 80 % of what it can do at most, by an open
loop: calls come when they come. Where other programs want the same cores the ratio means little: the product is more
processes, and is given a larger share.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
from collections.abc import Iterator

from bench.load import Run, closed_loop, open_loop
from bench.servers import Pair, pair

GOALS = {"sqlite": 0.25, "postgresql": 0.18}
READ_P99_MS, WRITE_P99_MS = 50.0, 100.0
LOAD = 0.8


def main(arguments: list[str]) -> int:
    """Measure on each database; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench api", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each side, and of each load")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each turn")
    parser.add_argument("--connections", type=int, default=32, help="kept alive and used at the same time")
    parser.add_argument("--database", choices=[*GOALS, "both"], default="both")
    options = parser.parse_args(arguments)
    met = True
    for kind in GOALS if options.database == "both" else (options.database,):
        with pair(kind) as servers:
            print(f"{kind}, {options.rounds} rounds of {options.seconds:g} s, {options.connections} connections")
            met &= _ratios(servers, options, GOALS[kind])
            met &= _loads(servers, options)
    return 0 if met else 1


def _ratios(servers: Pair, options: argparse.Namespace, goal: float) -> bool:
    met = True
    for name in ("one", "page"):
        sides = (servers.bare, servers.product)
        found: list[list[float]] = []
        for _ in range(options.rounds):
            runs = [_closed(side.port, itertools.repeat(getattr(side, name)), options) for side in sides]
            found.append([run.per_second for run in runs])
        bare, product = (statistics.median(column) for column in zip(*found, strict=True))
        ratios = [ours / theirs for theirs, ours in found]
        ratio = statistics.median(ratios)
        print(f"  GET {name:6} {product:7.0f}/s ÷ {bare:7.0f}/s = {ratio:.3f} ({min(ratios):.3f}–{max(ratios):.3f})"
              f"   goal {goal:g}: {_word(ratio >= goal)}")  # fmt: skip
        met &= ratio >= goal
    return met


def _loads(servers: Pair, options: argparse.Namespace) -> bool:
    port = servers.product.port
    reads = itertools.repeat(servers.product.one)
    return _load("read", port, reads, options, READ_P99_MS) & _load(
        "write", port, servers.writes, options, WRITE_P99_MS
    )


def _load(name: str, port: int, requests: Iterator[bytes], options: argparse.Namespace, goal: float) -> bool:
    """In as many turns as the ratios have, for a stall of the machine to spoil one of them and no more."""
    capacity = _closed(port, requests, options).per_second
    runs = [_sane(open_loop(port, requests, options.connections, options.seconds, capacity * LOAD))
            for _ in range(options.rounds)]  # fmt: skip
    p99s = [run.percentile(99) for run in runs]
    p50, p99 = statistics.median(run.percentile(50) for run in runs), statistics.median(p99s)
    print(f"  {name:10} at {LOAD:.0%} of {capacity:.0f}/s: p50 {p50:.1f} ms, p99 {p99:.1f} ms"
          f" ({min(p99s):.1f}–{max(p99s):.1f})   goal p99 {goal:g} ms: {_word(p99 <= goal)}")  # fmt: skip
    return p99 <= goal


def _closed(port: int, requests: Iterator[bytes], options: argparse.Namespace) -> Run:
    return _sane(closed_loop(port, requests, options.connections, options.seconds))


def _sane(run: Run) -> Run:
    assert run.refused is None, run.refused
    return run


def _word(met: bool) -> str:
    return "met" if met else "missed"
