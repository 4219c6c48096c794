"""What the security of a call costs: its parsing, key, allowlist, bucket and audit row, nothing of what it asks for.

In this process, one call after the other, through the parts that the gateway is made of, with a real Redis and a
durable database. The audit row is committed, as it is before any answer. What the view, routing and
the web server cost, `api` measures. The clock decides; where other programs want the same cores it shows them too, and
what this process computed tells the two apart. Reading that takes some microseconds, so it is read of other calls.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from api.admission import let_in
from api.answering import decorate
from api.auth import Authenticator
from api.call import Call
from api.response import Response
from app import build_services
from bench.servers import PLENTY, durable_database, durable_redis
from config import Settings
from domain.ports import Services
from jobs.runtime import spare_collector
from tests.factories import SECRET, make_key
from tests.support.processes import environment
from tests.support.queries import recorded

GOAL_P50_MS, GOAL_P99_MS = 0.5, 3.0
PHASES = ("parse", "key, allowlist, bucket", "audit", "headers")
WARMING = 200
COUNTED = 20  # calls, mostly in so short a time that the key stays remembered
TRIES = 5
ADDRESS = "10.20.30.40"
RANGES = ["192.0.2.0/24", "198.51.100.0/24", "2001:db8::/32", "10.0.0.0/8"]  # the last one lets it in
_END = "counted"
Took = list[float]  # milliseconds of each phase of a call


def main(arguments: list[str]) -> int:
    """Measure on each database; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench security", description=__doc__)
    parser.add_argument("--calls", type=int, default=5000, help="how many to measure on each database")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    options = parser.parse_args(arguments)
    met = True
    for kind in ("sqlite", "postgresql") if options.database == "both" else (options.database,):
        with _layer(kind) as (layer, redis_url):
            for _ in range(WARMING):
                layer.call()
            spare_collector()  # as the web server does
            print(f"{kind}, {options.calls} calls, one after the other")
            met &= _counts(layer, redis_url)
            met &= _times([(layer.call(), layer.call(time.thread_time)) for _ in range(options.calls)])
    return 0 if met else 1


class Layer:
    """The security of the API, over `services`, met by a GET with a key that has an allowlist."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._authenticator = Authenticator(services)
        token = make_key(services.database, allowed_cidrs=RANGES, read_per_minute=PLENTY).token
        self._environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/api/v1/characters",
            "QUERY_STRING": "limit=50&status=in_review",
            "REMOTE_ADDR": ADDRESS,
            "HTTP_AUTHORIZATION": f"Bearer {token}",
            "HTTP_USER_AGENT": "bench",
        }

    def call(self, now: Callable[[], float] = time.perf_counter) -> Took:
        """What each phase took, by this clock."""
        moments = [now()]
        call = Call.begin(self.services, self._environ)
        moments.append(now())
        let_in([call], self._authenticator, _refused)
        moments.append(now())
        response = Response(b"{}")
        self.services.audit.write(call.audit_entry(response))
        moments.append(now())
        decorate(call, response)
        assert call.credential is not None
        self._authenticator.note_use(call.credential, call.ip, call.at)
        moments.append(now())
        return [(end - begin) * 1000 for begin, end in itertools.pairwise(moments)]


def _refused(_number: int, refusal: Exception) -> None:
    raise refusal


@contextmanager
def _layer(kind: str) -> Iterator[tuple[Layer, str]]:
    """On an empty database; with the URL of its Redis."""
    with tempfile.TemporaryDirectory(prefix="callsheet-bench-") as folder:
        home = Path(folder)
        with durable_database(kind, home) as url, durable_redis(home) as redis_url:
            given = {"CALLSHEET_SECRET_KEY": SECRET, "DATABASE_URL": url, "REDIS_URL": redis_url}
            services = build_services(Settings.from_env(environment(home, **given)))
            yield Layer(services), redis_url
            services.database.dispose()


def _counts(layer: Layer, redis_url: str) -> bool:
    """What a warm call asks of Redis and the database."""
    # The second for which a key is remembered may end while it is counted, and the key be read: then once more.
    others, trips, audit = min(_counted(layer, redis_url) for _ in range(TRIES))
    met = (trips, others, audit) == (1, 0, 1)
    print(f"  a warm call: {trips:g} Redis round trips, {others:g} SQL statements for the key, {audit:g} for the audit"
          f"   goal 1, 0, 1: {_word(met)}")  # fmt: skip
    return met


def _counted(layer: Layer, redis_url: str) -> tuple[float, float, float]:
    """Statements for the key, round trips to Redis and statements for the audit, of one call."""
    with redis.Redis.from_url(redis_url) as marker, redis.Redis.from_url(redis_url) as client:
        marker.ping()  # what a connection says first is not to be counted
        with client.monitor() as monitor:
            layer.call()  # reads the key if it was forgotten
            with recorded(layer.services.database) as statements:
                for _ in range(COUNTED):
                    layer.call()
            marker.echo(_END)
            trips = sum(1 for _ in _until_end(monitor)) / (COUNTED + 1)
    audit = sum(statement.startswith("INSERT INTO api_audit_log ") for statement in statements) / COUNTED
    return len(statements) / COUNTED - audit, trips, audit


def _until_end(monitor: Any) -> Iterator[str]:
    """The commands that clients sent; what a script does inside Redis is no round trip."""
    while (seen := monitor.next_command())["command"] != f"ECHO {_END}":
        if seen["client_type"] != "lua":
            yield seen["command"]


def _times(calls: Sequence[tuple[Took, Took]]) -> bool:
    """Of pairs of calls, of which the one tells the time and the other what was computed."""
    clock, computed = ([[*took, sum(took)] for took in each] for each in zip(*calls, strict=True))
    for name, by_clock, of_it in zip(
        (*PHASES, "all of it"), zip(*clock, strict=True), zip(*computed, strict=True), strict=True
    ):
        (p50, p99), (own_p50, own_p99) = _percentiles(by_clock), _percentiles(of_it)
        print(f"  {name:24} p50 {p50:.3f} ms, p99 {p99:.3f} ms   computed {own_p50:.3f} and {own_p99:.3f} ms")
    met = p50 <= GOAL_P50_MS and p99 <= GOAL_P99_MS
    print(f"  goal: p50 ≤ {GOAL_P50_MS:g} ms, p99 ≤ {GOAL_P99_MS:g} ms by the clock: {_word(met)}")
    return met


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    found = statistics.quantiles(values, n=100)
    return found[49], found[98]


def _word(met: bool) -> str:
    return "met" if met else "missed"
