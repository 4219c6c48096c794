"""Sending: see `Transport`."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import TracebackType
from typing import Any, Self

from yarl import URL

from domain.db import storable
from domain.webhooks.addresses import Network, check_addresses, check_url

from .connection import Connection, Disconnected
from .explaining import explain
from .progress import Phase, Progress
from .resolving import CheckedResolver

DEADLINE_SECONDS = 20.0  # name, connection, TLS, headers and body together
KEPT_HEADERS = 50
KEPT_SECONDS = 15.0  # a connection that nothing is sent over


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, or why nothing did.

    Attributes:
        status_code: None when there was no whole answer.
        error: a stable word, None after a whole answer.
        message: a sentence for an admin.
        address: where the connection went.
        headers: the first of them and `Retry-After`, long ones cut.
        body: the first 16 KiB, undecodable bytes replaced.
        details: of a traced call: `dns`, `address`, `tls` and `phases`; see `Progress.details`.
    """

    duration_ms: int
    status_code: int | None = None
    error: str | None = None
    message: str = ""
    address: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    details: dict[str, Any] | None = None


def trust(authorities: str | None = None) -> ssl.SSLContext:
    """TLS that checks certificates against the system's authorities, or those in this file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(("http/1.1",))
    if authorities is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(authorities)
    return context


_SYSTEM = trust()  # reading the authorities takes tens of milliseconds: once, before a worker forks


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a URL's connections go, and the beginning of its requests."""

    host: str
    port: int
    tls: bool
    literal: bool
    head: str


class Transport:
    """Sends bodies. One for each event loop; use as an async context manager.

    Args:
        allowed: ranges that are permitted although they are not public.
        deadline: seconds for a whole exchange, unless it has its own.
        tls: see `trust`.
    """

    def __init__(
        self, allowed: tuple[Network, ...], deadline: float = DEADLINE_SECONDS, tls: ssl.SSLContext | None = None
    ) -> None:
        self._allowed = allowed
        self._deadline = deadline
        self._tls = tls or _SYSTEM
        self._kept: dict[tuple[str, int, bool], list[tuple[Connection, str]]] = {}

    async def __aenter__(self) -> Self:
        self._resolver = CheckedResolver(self._allowed)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection, _ in itertools.chain.from_iterable(self._kept.values()):
            connection.abort()
        self._kept.clear()
        self._resolver.close()
        await asyncio.sleep(0)  # for what was closed to be let go of

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, deadline: float | None = None, traced: bool = False
    ) -> Reply:
        """POST and read the answer. Every failure is a `Reply`, never an exception.

        Args:
            deadline: seconds for name, connection, TLS, headers and body together.
            traced: over a connection of its own, with `Reply.details`.
        """
        progress, seconds = Progress(), self._deadline if deadline is None else deadline
        try:
            async with asyncio.timeout(seconds):
                reply = await self._exchange(url, headers, body, progress, traced)
        except Exception as error:
            word, message = explain(error, progress, seconds)
            progress.enter(None)
            reply = Reply(progress.milliseconds, error=word, message=message, address=progress.address)
        return replace(reply, details=progress.details()) if traced else reply

    async def _exchange(
        self, url: str, headers: Mapping[str, str], body: bytes, progress: Progress, traced: bool
    ) -> Reply:
        origin = _origin(url)
        request = _request(origin, headers, body)
        key = (origin.host, origin.port, origin.tls)
        kept = None if traced else self._take(key)
        if kept is not None:
            try:
                return await self._answered(key, *kept, request, progress)
            except (Disconnected, OSError):
                if kept[0].heard:
                    raise
                # It was closed while nothing was sent over it: that is no answer to this request.
        connection = await self._connect(origin, progress)
        return await self._answered(None if traced else key, connection, progress.address or "", request, progress)

    def _take(self, key: tuple[str, int, bool]) -> tuple[Connection, str] | None:
        kept, oldest = self._kept.get(key), time.monotonic() - KEPT_SECONDS
        while kept:
            connection, address = kept.pop()
            if not connection.closed and connection.idle_since > oldest:
                return connection, address
            connection.abort()
        return None

    async def _answered(
        self, key: tuple[str, int, bool] | None, connection: Connection, address: str, request: bytes,
        progress: Progress,
    ) -> Reply:  # fmt: skip
        """The answer over this connection, which is kept under `key` if it is not None and the receiver keeps it."""
        progress.address = address
        progress.enter(Phase.FIRST_BYTE)
        answer = await connection.exchange(request, progress)
        progress.enter(None)
        if key is None:
            connection.abort()
        elif not connection.closed:
            self._kept.setdefault(key, []).append((connection, address))
        return Reply(
            progress.milliseconds,
            status_code=answer.status,
            error="redirect" if 300 <= answer.status < 400 else None,
            message=_status_message(answer.status),
            address=address,
            headers=_kept_headers(answer.headers),
            body=storable(answer.body.decode("utf-8", "replace")),
        )

    async def _connect(self, origin: _Origin, progress: Progress) -> Connection:
        """A new connection, to an address that is resolved and checked for it."""
        loop = asyncio.get_running_loop()
        address = origin.host if origin.literal else await self._resolver.resolve(origin.host, origin.port, progress)
        check_addresses([address], self._allowed)  # the policy's last word, whatever was thought to be resolved
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            progress.address = f"[{address}]:{origin.port}" if ":" in address else f"{address}:{origin.port}"
            progress.enter(Phase.CONNECT)
            await loop.sock_connect(sock, (address, origin.port))
            if not origin.tls:
                return (await loop.create_connection(Connection, sock=sock))[1]
            progress.enter(Phase.TLS)
            made = await loop.create_connection(Connection, sock=sock, ssl=self._tls, server_hostname=origin.host)
        except BaseException:
            sock.close()
            raise
        progress.tls = made[0].get_extra_info("ssl_object")
        return made[1]


@lru_cache(maxsize=4096)
def _origin(url: str) -> _Origin:
    """Raises `ForbiddenAddress`: see `check_url`."""
    check_url(url)
    target = URL(url)
    host, port = target.raw_host or "", target.port or 80
    try:
        ipaddress.ip_address(host)
        literal = True
    except ValueError:
        literal = False
    head = f"POST {target.raw_path_qs} HTTP/1.1\r\nHost: {target.host_port_subcomponent}\r\n"
    return _Origin(host, port, target.scheme == "https", literal, head)


def _request(origin: _Origin, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"{name}: {value}" for name, value in headers.items()]
    text = "\r\n".join(lines)
    if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1:
        raise ValueError("a header holds a line break")
    return f"{origin.head}{text}\r\nContent-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


def _kept_headers(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """The first of them, cut, and `Retry-After`."""
    kept = headers[:KEPT_HEADERS]
    if len(headers) > KEPT_HEADERS:
        kept = [*kept, *(one for one in headers[KEPT_HEADERS:] if one[0].lower() == b"retry-after")]
    return {
        storable(name[:200].decode("utf-8", "replace")): storable(value[:2000].decode("utf-8", "replace"))
        for name, value in kept
    }


def _status_message(status: int) -> str:
    if 200 <= status < 300:
        return "The receiver accepted it."
    if 300 <= status < 400:
        return f"The receiver answered {status}, a redirect; redirects are never followed. Register the final address."
    if status == 410:
        return "The receiver answered 410 Gone: it wants no more events."
    return f"The receiver answered {status}."
