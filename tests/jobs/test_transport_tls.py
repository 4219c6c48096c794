"""TLS: what a traced call tells of it, and a sentence for every certificate that is not accepted."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509

from domain.clock import system_clock
from jobs.transport import Reply, Transport
from jobs.transport.client import trust
from tests.jobs.conftest import LOOPBACK
from tests.support.certificates import Authority
from tests.support.hostile import hostile, saying

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def post(authority: Authority | None, port: int, name: str = "127.0.0.1", *, traced: bool = False) -> Reply:
    async def run() -> Reply:
        tls = trust(str(authority.file)) if authority else None
        async with Transport(LOOPBACK, 5, tls) as transport:
            return await transport.post(f"https://{name}:{port}/", {}, b"{}", traced=traced)

    return asyncio.run(run())


def test_it_works(authority: Authority) -> None:
    with hostile(saying(ANSWER), authority.server()) as port:
        reply, untraced = post(authority, port, traced=True), post(authority, port)
    assert (reply.status_code, untraced.status_code) == (200, 200)
    assert reply.details is not None
    tls = reply.details["tls"]
    assert (tls["version"], tls["issuer"]) == ("TLSv1.3", "Callsheet Test Authority")
    assert tls["cipher"].startswith("TLS_")
    left = datetime.fromisoformat(tls["expires_at"]) - system_clock()
    assert timedelta(days=29) < left < timedelta(days=30)
    assert list(reply.details["phases"]) == ["connect", "tls", "first_byte", "body"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"valid_for": timedelta(days=-1)}, "has expired"),
        ({"self_signed": True}, "is self-signed"),
        ({"name": x509.IPAddress(ip_address("192.0.2.1"))}, "is for another address"),
    ],
)
@pytest.mark.parametrize("traced", [False, True])
def test_each_kind_of_wrong_certificate_is_named(
    authority: Authority, options: dict[str, Any], words: str, traced: bool
) -> None:
    with hostile(saying(ANSWER), authority.server(**options)) as port:
        reply = post(authority, port, traced=traced)
    assert (reply.status_code, reply.error) == (None, "certificate")
    assert words in reply.message
    if traced:
        assert reply.details is not None
        assert reply.details["tls"] is None
        assert "tls" in reply.details["phases"]


def test_a_certificate_for_another_name_is_named(authority: Authority) -> None:
    with hostile(saying(ANSWER), authority.server(x509.DNSName("tools.example.com"))) as port:
        reply = post(authority, port, "localhost")
    assert reply.error == "certificate"
    assert "is for another name" in reply.message


def test_an_issuer_that_the_system_does_not_know_is_named(authority: Authority) -> None:
    with hostile(saying(ANSWER), authority.server()) as port:
        reply = post(None, port)
    assert reply.error == "certificate"
    assert "not trusted here" in reply.message


def test_a_receiver_that_speaks_no_tls_is_named() -> None:
    with hostile(saying(ANSWER)) as port:
        reply = post(None, port, traced=True)
    assert reply.error == "tls"
    assert "does not speak TLS" in reply.message


def test_one_that_closes_in_the_handshake_is_named() -> None:
    with hostile(saying(b""), reads=True) as port:
        reply = post(None, port)
    assert reply.error in ("disconnected", "tls")
    assert "TLS" in reply.message
