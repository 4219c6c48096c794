"""Whoever sends slowly, or nothing, keeps nobody from working: neither strangers nor workers with large files."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import orjson
import pytest

from tests.support.client import Script
from tests.support.processes import SMALL, Product, running

pytestmark = pytest.mark.e2e

BEGUN = "POST {path} HTTP/1.1\r\nHost: callsheet\r\nContent-Type: {media_type}\r\nContent-Length: 1000\r\n\r\n{{"
SLOW = (("/api/v1/leaked-keys", "application/json"), ("/portal/login", "application/x-www-form-urlencoded"))


FILE = "/api/v1/jobs/job_01m8nhzg0ne00bv6t0xvwaegse/artifacts/frame.png"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("product") / "home", **SMALL, CALLSHEET_WEB_THREADS="2") as started:
        yield started


def test_it_works(product: Product) -> None:
    """More of them than threads that work."""
    script = Script(product)
    with ExitStack() as opened:
        for path, media_type in SLOW * 3:
            sender = opened.enter_context(socket.create_connection(("127.0.0.1", product.port)))
            sender.sendall(BEGUN.format(path=path, media_type=media_type).encode())
        for _ in range(5):
            assert script.session.get(f"{script.base}/me", timeout=10).status_code == 200


def test_a_stranger_with_a_file_is_not_waited_for(product: Product) -> None:
    """Refused and hung up on, while there is more to come."""
    with socket.create_connection(("127.0.0.1", product.port), timeout=10) as sender:
        sender.sendall(BEGUN.replace("POST", "PUT").format(path=FILE, media_type="image/png").encode())
        answer = b"".join(iter(lambda: sender.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("size", [1000, 200_000, 8_000_000])
def test_a_stranger_who_sends_on_can_read_the_refusal(product: Product, size: int) -> None:
    """What is hung up on may break off the sending; the answer is there all the same."""
    connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=10)
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.request("PUT", FILE, b"x" * size)
    answer = connection.getresponse()
    assert (answer.status, orjson.loads(answer.read())["type"]) == (401, "/problems/key-missing")
    connection.close()
