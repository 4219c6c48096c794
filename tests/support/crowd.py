"""Many callers with one key, who call without pause and note when each call began and what came of it."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType

import psutil

from tests.support.caller import Caller
from tests.support.processes import Product
from tests.support.victims import web_processes
from tests.support.waiting import wait_until

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Noted:
    """A call: from when to when, by the monotonic clock, and its status; None when the connection broke."""

    began: float
    ended: float
    status: int | None

    @property
    def accepted(self) -> bool:
        return self.status is not None and self.status < 300


class Crowd:
    """`callers` threads, from the beginning of the context to its end; each over a connection of its own."""

    def __init__(self, product: Product, token: str, path: str, callers: int) -> None:
        self._product = product
        self._token = token
        self._path = path
        self._noted: list[list[Noted]] = [[] for _ in range(callers)]
        self._enough = threading.Event()
        self._pool = ThreadPoolExecutor(callers)
        self._calling: list[Future[None]] = []

    def __enter__(self) -> Crowd:
        self._calling = [self._pool.submit(self._call, noted) for noted in self._noted]
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._enough.set()
        self._pool.shutdown()
        for calling in self._calling:
            calling.result()

    @property
    def noted(self) -> list[Noted]:
        """All calls so far."""
        return [call for calls in self._noted for call in list(calls)]

    def wait_for_each(self, calls: int, since: float) -> None:
        """Until every caller has had answers to that many calls which began after `since`."""

        def enough() -> bool:
            return all(sum(call.began > since for call in list(noted)[-2 * calls :]) >= calls for noted in self._noted)

        wait_until(enough, 120, "some callers have no answers")

    def processes(self) -> set[int]:
        """The web server processes that have callers now."""
        _, workers = web_processes(self._product)
        return {pid for pid in workers if self._serves(pid)}

    def _serves(self, pid: int) -> bool:
        found = psutil.Process(pid).net_connections("tcp")
        return any(one.status == psutil.CONN_ESTABLISHED and one.laddr.port == self._product.port for one in found)

    def _call(self, noted: list[Noted]) -> None:
        with Caller(self._product.port, self._token) as caller:
            while not self._enough.is_set():
                caller.connect()
                began = time.monotonic()
                reply = caller.call(f"crowd-{next(_numbers)}", "GET", self._path)
                noted.append(Noted(began, time.monotonic(), None if reply is None else reply.status))
