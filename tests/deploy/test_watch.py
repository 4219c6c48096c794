"""What is said while the web server comes up."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest

from config import Settings
from deploy import watch
from deploy.control import Control
from deploy.watch import Watch
from tests.support.waiting import wait_until

WELL = {"status": "ok", "checks": {"database": {"status": "ok", "detail": None}}}
ILL = {"status": "degraded", "checks": {"sweeper": {"status": "failing", "detail": "The sweeper is not heard of."}}}


class Web:
    """A server whose `/readyz` answers what the test says."""

    def __init__(self) -> None:
        self.answer: tuple[int, dict[str, Any]] = (503, {})
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the name is the library's
                status, document = web.answer
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(document).encode())

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"


class Supervisor:
    """A supervisor that always answers and whose web server is started once, or once each time it is asked about."""

    def __init__(self) -> None:
        self.web_ends = False
        self.started_at = 1

    def is_up(self) -> bool:
        return True

    def start_group(self) -> None:
        """Nothing is there to start."""

    def start_time(self, _program: str) -> int:
        self.started_at += self.web_ends
        return self.started_at

    def start_those_given_up(self) -> list[str]:
        return []


class Watched:
    """A running watch and what it said."""

    def __init__(self, web: Web, home: str) -> None:
        self.said: list[str] = []
        self.failures: list[str] = []
        self.supervisor = Supervisor()
        self.stopping = False
        environ = {"CALLSHEET_HOME": home, "PORT": str(web.server.server_port), "REDIS_URL": "redis://127.0.0.1:1"}
        control = cast(Control, self.supervisor)
        self.watch = Watch(
            Settings.from_env(environ), control, self.said.append, self.failures.append, lambda: self.stopping
        )
        self.thread = threading.Thread(target=self.watch.run)


@pytest.fixture
def web() -> Iterator[Web]:
    made = Web()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@pytest.fixture
def watched(web: Web, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    for name in ("_READY_WITHIN", "_WELL_WITHIN", "_TRY_GIVEN_UP_EVERY"):
        monkeypatch.setattr(watch, name, 0.1)
    made = Watched(web, str(tmp_path))
    yield made
    made.stopping = True
    made.thread.join()


def _says(watched: Watched, text: str) -> None:
    wait_until(lambda: any(text in line for line in watched.said), 10, lambda: f"{text!r} is not in {watched.said}")


def test_it_says_ready_once_everything_is_well(web: Web, watched: Watched) -> None:
    web.answer = (200, WELL)
    watched.thread.start()

    _says(watched, "ready")

    assert watched.said == [f"Callsheet is ready: http://{web.address}/portal"]


def test_it_says_what_is_not_well_beside_ready(web: Web, watched: Watched) -> None:
    web.answer = (200, ILL)
    watched.thread.start()

    _says(watched, "ready")

    assert watched.said[0].endswith("/portal (not everything is well yet; sweeper: The sweeper is not heard of.)")


def test_it_says_that_it_is_late_and_waits_on(web: Web, watched: Watched) -> None:
    watched.thread.start()
    _says(watched, "is not ready after 0 seconds: /readyz answers 503")

    web.answer = (200, WELL)

    _says(watched, "Callsheet is ready")


def test_it_fails_the_start_when_the_web_server_ends_before_it_is_ready(watched: Watched) -> None:
    watched.supervisor.web_ends = True
    watched.thread.start()

    wait_until(lambda: watched.failures, 10, "the start goes on")

    assert watched.failures == ["The web server ended before it was ready; its reason is above."]
