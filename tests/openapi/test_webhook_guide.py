"""docs/webhooks.md: its calls, and its receivers as printed, sent what a worker sends and what an attacker would."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from domain.clock import system_clock
from domain.webhooks.queries import signing_secrets
from domain.webhooks.signing import new_private_key, new_secret, signed_headers
from tests.factories import KEYRING
from tests.openapi.conftest import Server
from tests.support.processes import free_port
from tests.support.programs import require
from tests.support.receiver import receiver
from tests.support.servers import server_process
from tests.support.snippets import blocks, only, program
from tests.support.waiting import wait_until

pytestmark = pytest.mark.e2e
PAGE = "webhooks.md"
_START = re.compile(r"^(?:#|//) Start it with: (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Kind:
    """One receiver of the page, and the signature that it checks."""

    language: str
    file: str
    signature: str


KINDS = (
    Kind("python", "receiver.py", "v1"),
    Kind("js", "receiver.mjs", "v1"),
    Kind("js", "receiver.mjs", "v1a"),
    Kind("bash", "receiver.sh", "v1a"),
)


@dataclass(frozen=True)
class Hook:
    """A webhook to a port of this machine, through the API."""

    server: Server
    id: str
    port: int
    secret: str | None

    @classmethod
    def made(cls, server: Server, signature: str) -> Hook:
        port = free_port()
        url = f"http://127.0.0.1:{port}/callsheet"
        made = _post(server, "/webhooks", {"url": url, "event_types": ["asset.*"], "signature": signature})
        return cls(server, made["id"], port, made["secret"])

    @property
    def variables(self) -> dict[str, str]:
        """What its receiver reads."""
        if self.secret is not None:
            return {"WEBHOOK_SECRET": self.secret}
        return {"WEBHOOK_KEYS": f"{self.server.url}/.well-known/webhook-keys/{self.id}"}

    def rotated(self) -> Hook:
        """After a rotation with a grace."""
        body = {"grace_seconds": 3600}
        made = _post(self.server, f"/webhooks/{self.id}/rotate-secret", body)
        return Hook(self.server, self.id, self.port, made["secret"])

    def deliver(self) -> dict[str, Any]:
        """Have the worker send a test; the delivery, delivered."""
        return self._delivered(_post(self.server, f"/webhooks/{self.id}/test", {"event_type": "asset.approved"}), 1)

    def deliver_again(self, delivery: dict[str, Any]) -> dict[str, Any]:
        """Have the worker send a delivery once more."""
        again = _post(self.server, f"/deliveries/{delivery['id']}/retry", None)
        return self._delivered(again, delivery["attempts_count"] + 1)

    def _delivered(self, delivery: dict[str, Any], attempts: int) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            found = _call(self.server, "GET", f"/deliveries/{delivery['id']}")
            return found if found["attempts_count"] == attempts and found["status"] != "sending" else None

        found = wait_until(ended, 20, "the worker did not send it")
        assert found is not None
        assert found["status"] == "delivered", found["attempts"]
        return found

    def keys(self) -> list[str]:
        """What signs for it, as Callsheet alone knows it; the newest first."""
        with self.server.database.reading() as session:
            return signing_secrets(session, KEYRING, [self.id], system_clock())[self.id]

    def send(self, key: str, body: bytes, *, at: float = 0, sent: bytes | None = None) -> int:
        """Send it without Callsheet, `at` seconds from now by its timestamp; the status of the answer."""
        headers = signed_headers([key], "evt_01jd3q8v9w7x5y2m4n6p8r0s1t", int(time.time() + at), body)
        url = f"http://127.0.0.1:{self.port}/callsheet"
        return requests.post(url, body if sent is None else sent, headers=headers, timeout=20).status_code


def _call(server: Server, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {server.key}"}
    answer = requests.request(method, f"{server.url}/api/v1{path}", json=body, headers=headers, timeout=20)
    assert answer.ok, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


def _post(server: Server, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
    return _call(server, "POST", path, body)


@contextmanager
def started(kind: Kind, hook: Hook, folder: Path) -> Iterator[None]:
    """The page's receiver, started as the page says, listening."""
    code = only(PAGE, kind.language)
    (folder / kind.file).write_text(code)
    found = _START.search(code)
    assert found is not None
    variables = {"PORT": str(hook.port), **hook.variables}
    with server_process(
        ["bash", "-c", f"exec {found[1]}"], folder / "log", signal.SIGTERM, env={**os.environ, **variables}
    ) as process:
        wait_until(lambda: process.poll() is not None or _listens(hook.port), 20, "the receiver does not listen")
        assert process.poll() is None, (folder / "log").read_text()
        yield


def _listens(port: int) -> bool:
    with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


def events(folder: Path) -> list[bytes]:
    """What the receiver has handed on."""
    file = folder / "events.ndjson"
    return file.read_bytes().splitlines() if file.exists() else []


@pytest.fixture(params=KINDS, ids=lambda kind: f"{kind.language}-{kind.signature}")
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    require(*{"js": ("node",), "bash": ("systemd-socket-activate", "openssl", "curl")}.get(found.language, ()))
    return found


def test_it_works(server: Server, kind: Kind, tmp_path: Path) -> None:
    hook = Hook.made(server, kind.signature)
    with started(kind, hook, tmp_path):
        delivery = hook.deliver()
        (event,) = events(tmp_path)
        assert delivery["event_id"].encode() in event
        hook.deliver_again(delivery)
        assert events(tmp_path) == [event]  # a duplicate


def test_it_refuses_what_is_forged_or_stale(server: Server, kind: Kind, tmp_path: Path) -> None:
    hook = Hook.made(server, kind.signature)
    (key,), body = hook.keys(), b'{"note": "Mara \xe2\x80\x93 \xc3\xa5ngstr\xc3\xb6m"}\n'
    other = new_secret() if kind.signature == "v1" else new_private_key()
    with started(kind, hook, tmp_path):
        assert hook.send(other, body) == 401
        assert hook.send(key, body, sent=body.replace(b"Mara", b"Lena")) == 401
        assert hook.send(key, body, at=-330) == 401
        assert hook.send(key, body, at=330) == 401
        with suppress(requests.ConnectionError):  # it need not read to the end what it refuses
            assert hook.send(key, b"x" * 200_000) == 413
        url = f"http://127.0.0.1:{hook.port}/"
        assert requests.post(url, b"{}", timeout=20).status_code == 401
        assert events(tmp_path) == []
        assert hook.send(key, body, at=-200) in (200, 204)
        assert events(tmp_path)[0] == body.rstrip(b"\n")


def test_a_rotation_is_not_noticed(server: Server, kind: Kind, tmp_path: Path) -> None:
    hook = Hook.made(server, kind.signature)
    with started(kind, hook, tmp_path):
        hook.deliver()
        rotated = hook.rotated()
        hook.deliver()
    (tmp_path / "keys.json").unlink(missing_ok=True)
    with started(kind, rotated, tmp_path):
        rotated.deliver()
        newest, _ = rotated.keys()
        assert rotated.send(newest, b"{}") in (200, 204)
    assert len(events(tmp_path)) == 4


def test_the_curl_lines_work(server: Server) -> None:
    with receiver() as listening:
        script = "set -euo pipefail\n" + program(PAGE, "sh")
        told = server.run("bash", "-c", script, RECEIVER=listening.url)
        listening.wait_for(1)
    assert '"status":"cancelled"' in told


def test_it_knows_no_other_language() -> None:
    """What is in another is run by no test; `http` is what arrives."""
    assert {word for word, _ in blocks(PAGE)} == {"sh", "http", "python", "js", "bash"}
