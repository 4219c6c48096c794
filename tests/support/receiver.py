"""A webhook receiver for tests: keeps every request with the time of its first byte, and answers as it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

from tests.support.waiting import wait_until


@dataclass(frozen=True)
class Arrival:
    """One request."""

    at: float  # time.perf_counter()
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    def verify(self, secret: str) -> None:
        """Raise unless the signature is the secret's, by the reference library."""
        Webhook(secret).verify(self.body, self.headers)


@dataclass
class Answer:
    """What the receiver says, after how long."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"thanks"
    delay: float = 0.0


class Receiver:
    """See the module. `answer` decides by the arrival; it may be replaced at any time."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.answer: Callable[[Arrival], Answer] = lambda _: Answer()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hooks/test"

    def take(self, arrival: Arrival) -> Answer:
        """Keep the request and say what to answer."""
        with self._lock:
            self.arrivals.append(arrival)
        return self.answer(arrival)

    def ids(self) -> set[str]:
        """The events that arrived, each once."""
        with self._lock:
            return {arrival.id for arrival in self.arrivals}

    def wait_for(self, count: int, seconds: float = 30) -> None:
        """Until that many different events have arrived."""
        wait_until(lambda: len(self.ids()) >= count, seconds, lambda: f"{len(self.ids())} of {count} events arrived")

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            at = time.perf_counter()
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = receiver.take(Arrival(at, self.path, headers, body))
            if answer.delay:
                time.sleep(answer.delay)  # the slowness under test, not a wait for something
            with suppress(BrokenPipeError, ConnectionResetError):  # the sender may have had enough
                self.send_response(answer.status)
                for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver that listens until the end of the block."""
    made = Receiver()
    thread = threading.Thread(target=made.serve, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.close()
        thread.join(5)
