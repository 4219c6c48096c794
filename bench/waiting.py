"""What those who wait cost those who work: the API's p99 beside 500 idle streams and 500 long polls, ÷ without.

One web process. Those who wait see a project in which nothing happens; the load, half of what the server can do at
most, comes when it comes (`load.open_loop`), first without them and then beside them.
"""

from __future__ import annotations

import argparse
import itertools
import selectors
import socket
import statistics
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.load import Run, closed_loop, open_loop
from bench.servers import PLENTY, durable_database, durable_redis, request, served
from domain.db import Database
from tests.factories import SECRET, make_character, make_key, make_project
from tests.support.waiting import wait_until

GOAL = 1.2
LOAD = 0.5
CHARACTERS = 400
CONNECTIONS = 32


def main(arguments: list[str]) -> int:
    """Measure on each database; 1 when a ratio misses the goal."""
    parser = argparse.ArgumentParser(prog="python -m bench waiting", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of each load, without and beside")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each run")
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--polls", type=int, default=500)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    options = parser.parse_args(arguments)
    met = True
    for kind in ("sqlite", "postgresql") if options.database == "both" else (options.database,):
        with _product(kind, options) as product:
            for found in _measured(product, {"read": product.reads, "write": product.writes}, options):
                print(f"{kind:10} {found.told(options)}", flush=True)
                met &= found.ratio <= GOAL
    return 0 if met else 1


@dataclass(frozen=True, slots=True)
class _Served:
    """The server, what loads it, and what waits in it."""

    port: int
    reads: Iterator[bytes]
    writes: Iterator[bytes]
    stream: bytes
    poll: bytes


@dataclass(frozen=True, slots=True)
class _Ratio:
    """The p99 of a load in milliseconds, alone and beside those who wait."""

    name: str
    capacity: float
    alone: float
    beside: float

    @property
    def ratio(self) -> float:
        return self.beside / self.alone

    def told(self, options: argparse.Namespace) -> str:
        return (
            f"{self.name:6} at {LOAD:.0%} of {self.capacity:.0f}/s: p99 {self.alone:.1f} ms alone, {self.beside:.1f} ms"
            f" beside {options.streams} streams and {options.polls} polls, ÷ {self.ratio:.2f}   goal {GOAL:g}:"
            f" {'met' if self.ratio <= GOAL else 'missed'}"
        )


@contextmanager
def _product(kind: str, options: argparse.Namespace) -> Iterator[_Served]:
    with tempfile.TemporaryDirectory(prefix="callsheet-bench-") as folder, durable_database(kind, Path(folder)) as url:
        home, database = Path(folder), Database(url)
        token = make_key(database, read_per_minute=PLENTY, write_per_minute=PLENTY).token
        unmoved = [make_project(database)["id"]]
        quiet = [make_key(database, "viewer", "project", unmoved, read_per_minute=PLENTY).token for _ in range(2)]
        project = make_project(database)
        ids = [make_character(database, project)["id"] for _ in range(CHARACTERS)]
        database.dispose()
        given = {"CALLSHEET_SECRET_KEY": SECRET, "DATABASE_URL": url, "CALLSHEET_STREAMS_PER_KEY": str(options.streams)}
        with (
            durable_redis(home) as redis_url,
            served(home / "product", "wsgi:app", {**given, "REDIS_URL": redis_url}) as port,
        ):
            reads = itertools.repeat(request(port, "GET", f"/characters/{ids[0]}", token))
            stream = request(port, "GET", "/events/stream", quiet[0])
            poll = request(port, "GET", "/events?wait=60", quiet[1])  # a key has half of the room
            yield _Served(port, reads, _decisions(port, token, ids), stream, poll)


def _decisions(port: int, token: str, ids: list[str]) -> Iterator[bytes]:
    for decision in itertools.cycle(("approved", "rejected")):
        for character_id in ids:
            yield request(port, "POST", f"/characters/{character_id}/approvals", token, {"decision": decision})


def _measured(product: _Served, loads: dict[str, Iterator[bytes]], options: argparse.Namespace) -> Iterator[_Ratio]:
    """Each load alone, and then each beside those who wait: who is gone may wait for a minute in the server."""
    capacity = {name: _sane(closed_loop(product.port, requests, CONNECTIONS, options.seconds)).per_second
                for name, requests in loads.items()}  # fmt: skip

    def p99(name: str) -> float:
        runs = [_load(product, loads[name], options, capacity[name]) for _ in range(options.rounds)]
        return statistics.median(runs)

    alone = {name: p99(name) for name in loads}
    with _waiting(product, options):
        for name in loads:
            yield _Ratio(name, capacity[name], alone[name], p99(name))


def _load(product: _Served, requests: Iterator[bytes], options: argparse.Namespace, capacity: float) -> float:
    run = _sane(open_loop(product.port, requests, CONNECTIONS, options.seconds, capacity * LOAD))
    return run.percentile(99)


def _sane(run: Run) -> Run:
    assert run.refused is None, run.refused
    return run


@contextmanager
def _waiting(product: _Served, options: argparse.Namespace) -> Iterator[None]:
    """Streams and polls that are open; a poll that is answered is made again."""
    wanted = [product.poll] * options.polls + [product.stream] * options.streams
    stopping, begun = threading.Event(), set[int]()
    with selectors.DefaultSelector() as selector:
        for sent in wanted:
            connection = socket.create_connection(("127.0.0.1", product.port), timeout=10)
            connection.sendall(sent)
            selector.register(connection, selectors.EVENT_READ, sent)
        reader = threading.Thread(target=_read, args=(selector, product, stopping, begun))
        reader.start()
        try:
            # A poll says nothing as long as it waits; it was sent before the streams, all of which have begun then.
            wait_until(lambda: len(begun) >= options.streams, 60, "not every stream has begun")
            yield
        finally:
            stopping.set()
            reader.join()
            for key in list(selector.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]  # it is a socket


def _read(selector: selectors.BaseSelector, product: _Served, stopping: threading.Event, begun: set[int]) -> None:
    while not stopping.is_set():
        for key, _ in selector.select(0.2):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            part = connection.recv(65_536)
            assert part, "the server closed a connection of those that wait"
            if key.data == product.stream:
                begun.add(key.fd)
            elif part.startswith(b"HTTP/1.1 "):
                assert part.startswith(b"HTTP/1.1 200"), part
                connection.sendall(product.poll)
