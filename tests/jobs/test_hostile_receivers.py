"""Receivers that mean harm: each attempt ends within its deadline, takes little memory, and connects nowhere else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from jobs.transport import LARGEST_REPLY, Reply, Transport
from tests.jobs.conftest import LOOPBACK
from tests.support import hostile as receivers
from tests.support.connections import connections
from tests.support.hostile import OK, Script, dripping, flooding, holding, hostile, saying
from tests.support.memory import growth
from tests.support.receiver import receiver

DEADLINE = 1.0
AT_ONCE = 8
MOST_MEMORY = 10 * 1024 * 1024
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
LONG = OK + b"Content-Length: 1000000000000\r\n\r\n"

# What each does, and the word that is kept of it; None where the answer counts, cut.
CASES: dict[str, tuple[Callable[[], Script], str | None]] = {
    "drips its headers": (lambda: dripping(OK + b"X-Slow: "), "timeout"),
    "drips its body": (lambda: dripping(LONG), "timeout"),
    "drips a chunk's size": (lambda: dripping(CHUNKED), "bad_answer"),
    "never answers": (holding, "timeout"),
    "never ends its headers": (lambda: holding(OK), "timeout"),
    "never ends its body": (lambda: holding(OK + b"\r\nhello"), "timeout"),
    "sends a body without end": (lambda: flooding(LONG, b"x"), None),
    "sends chunks without end": (lambda: flooding(CHUNKED, b"10\r\n0123456789abcdef\r\n"), None),
    "sends empty chunks' extensions without end": (lambda: flooding(CHUNKED + b"1;", b"x"), None),
    "sends its body in crumbs": (lambda: flooding(CHUNKED, b"1\r\nx\r\n"), None),
    "sends a gzip bomb": (receivers.gzip_bomb, None),
    "sends headers without end": (lambda: receivers.flooding_headers, "bad_answer"),
    "sends one header without end": (lambda: flooding(OK + b"X-Long: ", b"y"), "bad_answer"),
    "sends a status line without end": (lambda: flooding(b"HTTP/1.1 200 ", b"O"), "bad_answer"),
    "sends interim answers without end": (lambda: flooding(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"), "bad_answer"),
    "sends empty lines without end": (lambda: flooding(b"", b"\r\n"), "bad_answer"),
    "speaks another protocol": (lambda: saying(b"\x00\x01\xfe\xff" * 4000), "bad_answer"),
    "says two lengths": (
        lambda: saying(OK + b"Content-Length: 2\r\nContent-Length: 7\r\n\r\nokayyyy"),
        "bad_answer",
    ),
    "claims a length that is none": (lambda: saying(OK + b"Content-Length: -5\r\n\r\n"), "bad_answer"),
    "closes in the middle": (lambda: saying(OK + b"Content-Length: 10\r\n\r\nhalf"), "disconnected"),
}


def post_many(url: str, count: int, **options: Any) -> list[Reply]:
    async def run() -> list[Reply]:
        async with Transport(LOOPBACK, DEADLINE) as transport:
            return await asyncio.gather(*(transport.post(url, {}, b"{}", **options) for _ in range(count)))

    return asyncio.run(run())


@pytest.mark.parametrize("name", CASES)
def test_it_ends_in_time_and_takes_little_memory(name: str) -> None:
    make, error = CASES[name]
    with hostile(make()) as port, connections() as seen:
        url = f"http://127.0.0.1:{port}/"
        post_many(url, 1)  # what is loaded once is nobody's fault
        started = time.monotonic()
        with growth() as grown:
            replies = post_many(url, AT_ONCE)
            took, bytes_grown = time.monotonic() - started, grown()
    assert took < DEADLINE + 2
    assert bytes_grown <= MOST_MEMORY
    assert {reply.error for reply in replies} == {error}, replies[0]
    assert all(reply.message.endswith(".") for reply in replies)
    assert max(len(reply.body) for reply in replies) <= LARGEST_REPLY
    assert set(seen) == {("127.0.0.1", port)}


@pytest.mark.parametrize("name", ["sends interim answers without end", "sends a body without end"])
def test_a_flood_holds_up_no_other(name: str) -> None:
    async def run(bad: str, good: str) -> float:
        async with Transport(LOOPBACK, DEADLINE) as transport:
            flood = [asyncio.create_task(transport.post(bad, {}, b"{}")) for _ in range(2)]
            await asyncio.wait([asyncio.create_task(transport.post(good, {}, b"{}"))])
            started = time.monotonic()
            reply = await transport.post(good, {}, b"{}")
            took = time.monotonic() - started
            assert reply.status_code == 200
            await asyncio.gather(*flood)
            return took

    with hostile(CASES[name][0]()) as port, receiver() as listening:
        assert asyncio.run(run(f"http://127.0.0.1:{port}/", listening.url)) < DEADLINE


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_nowhere(status: int) -> None:
    with receiver() as inner, connections() as seen:
        words = f"HTTP/1.1 {status} Moved\r\nLocation: {inner.url}\r\nContent-Length: 0\r\n\r\n".encode()
        with hostile(saying(words)) as port:
            (reply,) = post_many(f"http://127.0.0.1:{port}/", 1)
    assert (reply.status_code, reply.error) == (status, "redirect")
    assert "redirects are never followed" in reply.message
    assert seen == [("127.0.0.1", port)]
    assert inner.arrivals == []


@pytest.mark.parametrize("traced", [False, True])
def test_what_it_says_is_kept_as_text(traced: bool) -> None:
    body = b"\xff\x00<script>alert(1)</script>"
    words = OK + b"X-Evil: \xff<b>\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with hostile(saying(words)) as port:
        (reply,) = post_many(f"http://127.0.0.1:{port}/", 1, traced=traced)
    assert reply.body == "\ufffd\u2400<script>alert(1)</script>"
    for text in (*reply.headers.values(), reply.body):
        text.encode()
        assert "\0" not in text
