"""The only outbound HTTP: where it connects, how long it waits, and what it says of a failure."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from domain.webhooks.addresses import ForbiddenAddress
from jobs.transport import LARGEST_REPLY, Reply, Transport, target_check
from tests.jobs.conftest import LOOPBACK
from tests.support.receiver import Answer, receiver

_connections: list[Any] = []
_watching = threading.Event()


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and _watching.is_set():
        _connections.append(arguments[1])


sys.addaudithook(_watch)


@contextmanager
def connections() -> Iterator[list[Any]]:
    """Where sockets of this process are connected to meanwhile: the truth, whatever the URL said."""
    _connections.clear()
    _watching.set()
    try:
        yield _connections
    finally:
        _watching.clear()


def post(url: str, *, allowed: Any = LOOPBACK, deadline: float = 5, traced: bool = False) -> Reply:
    async def run() -> Reply:
        async with Transport(allowed) as transport:
            headers = {"Content-Type": "application/json"}
            return await transport.post(url, headers, b"{}", deadline=deadline, traced=traced)

    return asyncio.run(run())


def test_it_works() -> None:
    with receiver() as listening, connections() as seen:
        reply = post(listening.url)
    assert (reply.status_code, reply.body, reply.error) == (200, "thanks", None)
    assert reply.address is not None
    assert reply.address.startswith("127.0.0.1:")
    assert [address[0] for address in seen] == ["127.0.0.1"]


def test_a_traced_call_tells_each_phase() -> None:
    with receiver() as listening:
        listening.answer = lambda _: Answer(delay=0.1)
        reply = post(listening.url.replace("127.0.0.1", "localhost"), traced=True)
        untraced = post(listening.url)
    assert reply.details is not None
    assert reply.details["dns"] == ["127.0.0.1"]
    assert reply.details["address"] == reply.address == untraced.address
    assert reply.details["tls"] is None
    assert list(reply.details["phases"]) == ["dns", "connect", "first_byte", "body"]
    assert reply.details["phases"]["first_byte"] >= 100
    assert sum(reply.details["phases"].values()) <= reply.duration_ms + 1
    assert untraced.details is None


def test_a_traced_call_that_fails_tells_how_far_it_came() -> None:
    reply = post("http://127.0.0.1:1/", traced=True)
    assert reply.error == "refused"
    assert reply.address == "127.0.0.1:1"
    assert reply.details is not None
    assert list(reply.details["phases"]) == ["connect"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://localhost:1/",
        "http://[::ffff:127.0.0.1]:1/",
        "http://[::1]:1/",
        "http://0x7f.1:1/",
        "http://2130706433:1/",
        "http://127.1:1/",
        "http://0:1/",
        "http://[64:ff9b::7f00:1]:1/",
        "http://169.254.169.254/",
        "http://user@10.0.0.1/",
        "ftp://127.0.0.1/",
    ],
)
def test_it_connects_nowhere_that_is_forbidden(url: str) -> None:
    with connections() as seen:
        reply = post(url, allowed=())
    assert reply.status_code is None
    assert reply.error == "forbidden_address"
    assert seen == []


def test_one_forbidden_answer_of_a_name_forbids_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("93.184.216.34", "10.0.0.7")]

    literal = socket.getaddrinfo

    def resolve(host: str, *arguments: Any, **options: Any) -> list[Any]:
        return (
            answers if host == "two-faced.example" and "flags" not in options else literal(host, *arguments, **options)
        )

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with connections() as seen:
        reply = post("http://two-faced.example/", allowed=())
    assert reply.error == "forbidden_address"
    assert "10.0.0.7" in reply.message
    assert seen == []


def test_the_deadline_covers_the_answer() -> None:
    with receiver() as listening:
        listening.answer = lambda _: Answer(delay=1.5)
        reply = post(listening.url, deadline=0.3)
    assert (reply.status_code, reply.error) == (None, "timeout")
    assert reply.duration_ms < 1400


def test_the_deadline_covers_a_body_that_drips() -> None:
    with _dripping() as port:
        reply = post(f"http://127.0.0.1:{port}/", deadline=0.5)
    assert (reply.status_code, reply.error) == (None, "timeout")


def test_an_endless_body_is_cut() -> None:
    with receiver() as listening:
        listening.answer = lambda _: Answer(body=b"x" * 3_000_000)
        reply = post(listening.url)
    assert len(reply.body) == LARGEST_REPLY
    assert reply.status_code == 200


def test_an_answer_that_is_not_http_is_named() -> None:
    with _saying(b"SSH-2.0-OpenSSH\r\n") as port:
        reply = post(f"http://127.0.0.1:{port}/")
    assert reply.error == "bad_answer"


def test_a_connection_closed_without_an_answer_is_named() -> None:
    with _saying(b"") as port:
        reply = post(f"http://127.0.0.1:{port}/")
    assert reply.error == "disconnected"


def test_a_receiver_without_tls_is_named() -> None:
    with receiver() as listening:
        reply = post(listening.url.replace("http:", "https:"))
    assert reply.error == "tls"


def test_a_name_that_does_not_exist_is_named() -> None:
    reply = post("http://no-such-host.invalid/")
    assert reply.error == "name_not_found"


class TestTargetCheck:
    """The check at registration."""

    def test_it_accepts_allowed_ranges(self) -> None:
        target_check(LOOPBACK)("http://127.0.0.1:8010/hooks")
        target_check(LOOPBACK)("http://localhost/hooks") if _only_ipv4("localhost") else None

    def test_it_accepts_names_that_do_not_resolve_yet(self) -> None:
        target_check(())("https://not-yet.invalid/hooks")

    @pytest.mark.parametrize(
        "url", ["http://localhost/", "http://10.1.2.3/", "http://127.1/", "gopher://x/", "http://a:b@c/"]
    )
    def test_it_refuses_what_is_not_public(self, url: str) -> None:
        with pytest.raises(ForbiddenAddress):
            target_check(())(url)

    def test_an_allowed_range_allows_nothing_else(self) -> None:
        with pytest.raises(ForbiddenAddress):
            target_check((ipaddress.ip_network("10.1.0.0/16"),))("http://10.2.0.1/")


def _only_ipv4(name: str) -> bool:
    return {entry[0] for entry in socket.getaddrinfo(name, None)} == {socket.AF_INET}


@contextmanager
def _saying(words: bytes, drip: bool = False) -> Iterator[int]:
    """A server that reads a request, says these words whatever was asked, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = threading.Event()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(words)
                while drip and not done.wait(0.05):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        done.set()
        thread.join(5)


def _dripping() -> Any:
    return _saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", drip=True)
