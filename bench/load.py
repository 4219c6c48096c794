"""A load generator: keep-alive connections, requests rendered beforehand, one thread.

It costs some 30 µs a request, about a third of what the bare side of a ratio costs and far less of the other: where
cores are short it slows the bare side more, and flatters the ratio. Measure on an idle machine.
"""

from __future__ import annotations

import random
import re
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_SILENCE_SECONDS = 10.0


@dataclass(slots=True)
class Run:
    """What a run saw.

    Attributes:
        seconds: from the first request to the last answer.
        latencies: of each answer in milliseconds, in the order they came.
        refused: the first answer with another status than 2xx, if there was one.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    refused: bytes | None = None

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        """The latency that `percent` of the answers did not exceed, in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


class _Connection:
    """One request at a time, and the answer as far as it has come."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_SILENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.since = 0.0
        self._answer = b""

    def send(self, request: bytes, since: float) -> None:
        self.since, self._answer = since, b""
        self.socket.sendall(request)

    def receive(self) -> bytes | None:
        """Read what there is; the answer once it is whole."""
        part = self.socket.recv(262_144)
        if not part:
            raise ConnectionError("the server closed a connection")
        self._answer = self._answer + part if self._answer else part
        end = self._answer.find(b"\r\n\r\n")
        if end < 0:
            return None
        length = _LENGTH.search(self._answer, 0, end)
        assert length is not None, self._answer[:end]
        return self._answer if len(self._answer) >= end + 4 + int(length[1]) else None


def closed_loop(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> Run:
    """Each connection sends its next request when it has its answer: what the server can do at most."""
    with _connected(port, connections) as (selector, idle):
        run, started = Run(), time.perf_counter()
        for connection in idle:
            connection.send(next(requests), time.perf_counter())
        busy = connections
        while busy:
            for connection in _answered(selector, run, None):
                now = time.perf_counter()
                if now - started < seconds:
                    connection.send(next(requests), now)
                else:
                    busy -= 1
        run.seconds = time.perf_counter() - started
    return run


def open_loop(port: int, requests: Iterator[bytes], connections: int, seconds: float, per_second: float) -> Run:
    """Requests come when they come (a Poisson process), whether or not earlier ones were answered.

    A latency counts from when its request was due, so one that had to wait for a free connection is not flattered.
    """
    with _connected(port, connections) as (selector, connected):
        run, idle, due = Run(), deque(connected), deque(_arrivals(per_second, seconds))
        started = time.perf_counter()
        while due or len(idle) < connections:
            now = time.perf_counter() - started
            while due and idle and due[0] <= now:
                idle.popleft().send(next(requests), started + due.popleft())
            wait = max(0.0, due[0] - now) if due and idle else None
            idle.extend(_answered(selector, run, wait))
        run.seconds = time.perf_counter() - started
    return run


def _arrivals(per_second: float, seconds: float) -> Iterable[float]:
    chance, moment = random.Random(1), 0.0
    while (moment := moment + chance.expovariate(per_second)) < seconds:
        yield moment


@contextmanager
def _connected(port: int, connections: int) -> Iterator[tuple[selectors.BaseSelector, list[_Connection]]]:
    opened = [_Connection(port) for _ in range(connections)]
    with selectors.DefaultSelector() as selector:
        for connection in opened:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        yield selector, opened
    for connection in opened:
        connection.socket.close()


def _answered(selector: selectors.BaseSelector, run: Run, wait: float | None) -> list[_Connection]:
    """The connections whose answer is whole; `wait` at most, in seconds."""
    ready, found = selector.select(_SILENCE_SECONDS if wait is None else wait), []
    if not ready and wait is None:
        raise TimeoutError(f"no answer within {_SILENCE_SECONDS:g} s")
    for key, _ in ready:
        answer = key.data.receive()
        if answer is not None:
            run.latencies.append((time.perf_counter() - key.data.since) * 1000)
            if answer[9:10] != b"2" and run.refused is None:
                run.refused = answer
            found.append(key.data)
    return found
