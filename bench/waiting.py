"""What those who wait cost those who work: the API's p99 beside 500 idle streams and 500 long polls, ÷ without.

Those who wait see a project in which nothing happens. The load is half of what the server can do at most and comes
when it comes (`load.open_loop`). Each round starts a web process for a run without them and another for one beside
them, in turns, over one database that a sweeper looks after, so that what grows meanwhile grows for both.
"""

from __future__ import annotations

import argparse
import itertools
import selectors
import signal
import socket
import statistics
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import Run, closed_loop, open_loop
from bench.servers import PLENTY, decisions, durable_database, durable_redis, request, served
from domain.db import Database
from tests.factories import SECRET, make_character, make_key, make_project
from tests.support.processes import environment
from tests.support.servers import server_process
from tests.support.waiting import wait_until

GOAL = 1.2
LOAD = 0.5
CHARACTERS = 400
CONNECTIONS = 32
WARM_SECONDS = 1.0
PORT = 80  # of the requests' `Host`, which says nothing here


def main(arguments: list[str]) -> int:
    """Measure on each database; 1 when a ratio misses the goal."""
    parser = argparse.ArgumentParser(prog="python -m bench waiting", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="of both runs, in turns")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each run")
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--polls", type=int, default=500)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    options = parser.parse_args(arguments)
    met = True
    for kind in ("sqlite", "postgresql") if options.database == "both" else (options.database,):
        with _studio(kind, options) as studio:
            for found in _measured(studio, options):
                print(f"{kind:10} {found.told(options)}", flush=True)
                met &= found.ratio <= GOAL
    return 0 if met else 1


@dataclass(frozen=True, slots=True)
class _Studio:
    """What a web process needs, and what is sent to it: each write goes on from the last, whichever process had it."""

    home: Path
    given: dict[str, str]
    loads: dict[str, Iterator[bytes]]
    stream: bytes
    poll: bytes


@dataclass(slots=True)
class _Found:
    """A load's p99 of each round in milliseconds, alone and beside those who wait."""

    name: str
    capacity: float
    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Of the medians: what else the machine does comes over single rounds, of either side."""
        return statistics.median(self.beside) / statistics.median(self.alone)

    def told(self, options: argparse.Namespace) -> str:
        return (
            f"{self.name:6} at {LOAD:.0%} of {self.capacity:.0f}/s: p99 {_shown(self.alone)} alone,"
            f" {_shown(self.beside)} beside {options.streams} streams and {options.polls} polls,"
            f" ÷ {self.ratio:.2f}   goal {GOAL:g}: {'met' if self.ratio <= GOAL else 'missed'}"
        )


def _shown(p99s: list[float]) -> str:
    return f"{statistics.median(p99s):.1f} ms ({min(p99s):.1f}–{max(p99s):.1f})"


@contextmanager
def _studio(kind: str, options: argparse.Namespace) -> Iterator[_Studio]:
    with tempfile.TemporaryDirectory(prefix="callsheet-bench-") as folder, durable_database(kind, Path(folder)) as url:
        home, database = Path(folder), Database(url)
        token = make_key(database, read_per_minute=PLENTY, write_per_minute=PLENTY).token
        unmoved = [make_project(database)["id"]]
        quiet = [make_key(database, "viewer", "project", unmoved, read_per_minute=PLENTY).token for _ in range(2)]
        project = make_project(database)
        ids = [make_character(database, project)["id"] for _ in range(CHARACTERS)]
        database.dispose()
        with durable_redis(home) as redis_url:
            given = {"CALLSHEET_SECRET_KEY": SECRET, "DATABASE_URL": url, "REDIS_URL": redis_url}
            swept = environment(home / "sweeper", **given)
            with server_process(
                [sys.executable, "-m", "jobs.sweeper"], home / "sweeper.log", signal.SIGTERM, env=swept
            ):
                given["CALLSHEET_STREAMS_PER_KEY"] = str(options.streams)
                reads = itertools.repeat(request(PORT, "GET", f"/characters/{ids[0]}", token))
                stream = request(PORT, "GET", "/events/stream", quiet[0])
                poll = request(PORT, "GET", "/events?wait=60", quiet[1])  # a key has half of the room
                yield _Studio(home, given, {"read": reads, "write": decisions(PORT, token, ids)}, stream, poll)


def _measured(studio: _Studio, options: argparse.Namespace) -> Iterable[_Found]:
    with _served(studio) as port:
        found = {name: _Found(name, _sane(closed_loop(port, load, CONNECTIONS, options.seconds)).per_second)
                 for name, load in studio.loads.items()}  # fmt: skip
    for number in range(options.rounds):
        for waiting in (False, True) if number % 2 == 0 else (True, False):
            with _served(studio) as port, _waiting(studio, port, options) if waiting else nullcontext():
                for name, load in studio.loads.items():
                    p99 = _p99(port, load, options, found[name].capacity)
                    (found[name].beside if waiting else found[name].alone).append(p99)
    return found.values()


@contextmanager
def _served(studio: _Studio) -> Iterator[int]:
    """A web process that has answered a few thousand calls: the first ones are slower."""
    with served(studio.home / "product", "wsgi:app", studio.given) as port:
        for load in studio.loads.values():
            _sane(closed_loop(port, load, CONNECTIONS, WARM_SECONDS))
        yield port


def _p99(port: int, requests: Iterator[bytes], options: argparse.Namespace, capacity: float) -> float:
    return _sane(open_loop(port, requests, CONNECTIONS, options.seconds, capacity * LOAD)).percentile(99)


def _sane(run: Run) -> Run:
    assert run.refused is None, run.refused
    return run


@contextmanager
def _waiting(studio: _Studio, port: int, options: argparse.Namespace) -> Iterator[None]:
    """Streams and polls that are open; a poll that is answered is made again."""
    wanted = [studio.poll] * options.polls + [studio.stream] * options.streams
    stopping, begun = threading.Event(), set[int]()
    with selectors.DefaultSelector() as selector:
        for sent in wanted:
            connection = socket.create_connection(("127.0.0.1", port), timeout=10)
            connection.sendall(sent)
            selector.register(connection, selectors.EVENT_READ, sent)
        reader = threading.Thread(target=_read, args=(selector, studio.poll, stopping, begun))
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


def _read(selector: selectors.BaseSelector, poll: bytes, stopping: threading.Event, begun: set[int]) -> None:
    while not stopping.is_set():
        for key, _ in selector.select(0.2):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            part = connection.recv(65_536)
            assert part, "the server closed a connection of those that wait"
            if key.data != poll:
                begun.add(key.fd)
            elif part.startswith(b"HTTP/1.1 "):
                assert part.startswith(b"HTTP/1.1 200"), part
                connection.sendall(poll)
