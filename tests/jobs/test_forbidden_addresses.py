"""Where sockets go, whatever a URL or a name server says: an audit hook sees every connection of the process."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import socket
from collections.abc import Sequence
from typing import Any

import pytest

from domain.webhooks.addresses import FORBIDDEN_IPV4, FORBIDDEN_IPV6, ForbiddenAddress
from jobs.transport import Reply, Transport, target_check
from tests.jobs.conftest import LOOPBACK
from tests.support.connections import connections
from tests.support.receiver import receiver

PRIVATE_IPV6 = ("::/128", "::1/128", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "100::/64", "64:ff9b::/96",
                "64:ff9b:1::/48", "::ffff:0:0:0/96", "5f00::/16")  # fmt: skip
RANGES = [*FORBIDDEN_IPV4, *FORBIDDEN_IPV6, *map(ipaddress.ip_network, PRIVATE_IPV6)]
EDGES = sorted({str(edge) for network in RANGES for edge in (network[0], network[-1])})
MAPPED = [f"::ffff:{network[0]}" for network in FORBIDDEN_IPV4]
EMBEDDED = ["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::1", "::127.0.0.1", "::ffff:0:7f00:1"]
# One loopback address in every way that some resolver reads.
SPELLINGS = ["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "0x7F.0x0.0x0.0x1",
             "127.0.0.1.", "①②⑦.0.0.1", "127。0。0。1", "0", "0.0.0.0", "[::ffff:7f00:1]", "[::1%25lo]", "[::1%lo]",
             "%31%32%37.0.0.1", "127.0.0.1%00.example.com", "localhost", "localhost.", "LOCALHOST"]  # fmt: skip
PUBLIC = "93.184.216.34"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Sequence[str]]]:
    """What names below `example` resolve to, one answer after another; the last one stays."""
    answers: dict[str, list[Sequence[str]]] = {}
    literal = socket.getaddrinfo

    def resolve(host: str, port: Any, *arguments: Any, **options: Any) -> list[Any]:
        if host not in answers:
            return literal(host, port, *arguments, **options)
        given = answers[host].pop(0) if len(answers[host]) > 1 else answers[host][0]
        kinds = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in given]
        return [(kind, socket.SOCK_STREAM, 6, "", (one, port)) for kind, one in zip(kinds, given, strict=True)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return answers


def post_all(urls: Sequence[str], allowed: Any = (), **options: Any) -> list[Reply]:
    async def run() -> list[Reply]:
        async with Transport(allowed, 5) as transport:
            return [await transport.post(url, {}, b"{}", **options) for url in urls]

    return asyncio.run(run())


def written(address: str) -> str:
    return f"http://[{address}]:1/" if ":" in address else f"http://{address}:1/"


@pytest.mark.parametrize("traced", [False, True])
def test_it_works(traced: bool) -> None:
    """Every range, both ends, and every IPv4 range as IPv6 writes it."""
    urls = [written(address) for address in (*EDGES, *MAPPED, *EMBEDDED)]
    with connections() as seen:
        replies = post_all(urls, traced=traced)
    assert {reply.error for reply in replies} == {"forbidden_address"}
    assert all(reply.message.startswith("Not sent: ") for reply in replies)
    assert seen == []


@pytest.mark.parametrize("host", SPELLINGS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_spelling_reaches_the_loopback(host: str, scheme: str) -> None:
    with connections() as seen:
        (reply,) = post_all([f"{scheme}://{host}:1/"])
    assert reply.status_code is None
    assert reply.error in ("forbidden_address", "name_not_found")
    assert seen == []


@pytest.mark.parametrize("answers", list(itertools.permutations([PUBLIC, "10.0.0.7", "2606:4700::1111"])))
def test_one_forbidden_answer_of_a_name_forbids_the_name(
    names: dict[str, list[Sequence[str]]], answers: Sequence[str]
) -> None:
    names["two-faced.example"] = [answers]
    with connections() as seen:
        (reply,) = post_all(["http://two-faced.example/"], traced=True)
    assert reply.error == "forbidden_address"
    assert "10.0.0.7" in reply.message
    assert reply.details is not None
    assert reply.details["dns"] == list(answers)
    assert reply.details["address"] is None
    assert seen == []


@pytest.mark.parametrize("later", ["127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "64:ff9b::a00:1"])
def test_a_name_that_flips_after_registration_reaches_nothing(
    names: dict[str, list[Sequence[str]]], later: str
) -> None:
    names["flips.example"] = [[PUBLIC], [later]]
    target_check(())("http://flips.example/hooks")
    with connections() as seen:
        (reply,) = post_all(["http://flips.example/hooks"])
    assert reply.error == "forbidden_address"
    assert seen == []
    with pytest.raises(ForbiddenAddress):
        target_check(())("http://flips.example/hooks")


def test_a_name_is_asked_once_for_each_connection_and_that_answer_is_used(
    names: dict[str, list[Sequence[str]]],
) -> None:
    """A second look-up, between the check and the connection, would be the place to flip in."""
    with receiver() as listening, connections() as seen:
        port = int(listening.url.split(":")[2].split("/")[0])
        names["once.example"] = [["127.0.0.1"], ["127.0.0.9"]]
        first, second = post_all([f"http://once.example:{port}/", f"http://once.example:{port}/"], LOOPBACK)
    assert (first.status_code, second.status_code) == (200, 200)
    assert seen == [("127.0.0.1", port)], "the second went over the connection that was kept"
    assert second.address == f"127.0.0.1:{port}"


def test_a_connection_that_was_kept_serves_no_other_name(names: dict[str, list[Sequence[str]]]) -> None:
    """The same port under a name that resolves to a forbidden address is resolved, and refused, by itself."""
    narrow = (ipaddress.ip_network("127.0.0.1/32"),)
    with receiver() as listening, connections() as seen:
        port = int(listening.url.split(":")[2].split("/")[0])
        names["other.example"] = [["127.0.0.2"]]
        urls = [listening.url, f"http://other.example:{port}/", f"http://127.0.0.2:{port}/", listening.url]
        replies = post_all(urls, narrow)
    assert [reply.error for reply in replies] == [None, "forbidden_address", "forbidden_address", None]
    assert {address for address, _ in seen} == {"127.0.0.1"}


def test_the_socket_is_the_last_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the checks before it think: here they think nothing."""
    monkeypatch.setattr("jobs.transport.client.check_url", lambda _: None)
    monkeypatch.setattr("jobs.transport.resolving.check_addresses", lambda found, _: list(found))
    with connections() as seen:
        replies = post_all(["http://127.0.0.1:1/", "http://127.1:1/", "http://localhost:1/"])
    assert {reply.error for reply in replies} == {"forbidden_address"}
    assert seen == []


def test_what_an_operator_allows_is_reached_and_nothing_beside_it() -> None:
    with receiver() as listening, connections() as seen:
        ok, refused = post_all([listening.url, "http://10.0.0.1:1/"], LOOPBACK)
    assert (ok.status_code, refused.error) == (200, "forbidden_address")
    assert {address for address, _ in seen} == {"127.0.0.1"}
