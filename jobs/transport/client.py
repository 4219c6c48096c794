"""Sending: see `Transport`."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import TracebackType
from typing import Any, Self

import aiohttp
from yarl import URL

from domain.db import storable
from domain.webhooks.addresses import Network, check_addresses, check_url

from .explaining import explain
from .progress import Phase, Progress, begin_progress, progress_now
from .resolving import CheckedResolver

DEADLINE_SECONDS = 20.0  # name, connection, TLS, headers and body together
LARGEST_REPLY = 16 * 1024
LONGEST_HEADER = 8 * 1024
MOST_HEADERS = 100
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


class _Tls(ssl.SSLContext):
    """Tells an exchange when its handshake begins, and hands it the connection's TLS."""

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        progress, made = progress_now(), super().wrap_bio(*args, **kwargs)
        progress.enter(Phase.TLS)
        progress.tls = made
        return made


def trust(authorities: str | None = None) -> ssl.SSLContext:
    """TLS that checks certificates against the system's authorities, or those in this file."""
    context = _Tls(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(("http/1.1",))
    if authorities is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(authorities)
    return context


_SYSTEM = trust()  # reading the authorities takes tens of milliseconds: once, before a worker forks


class _Connector(aiohttp.TCPConnector):
    """Tells an exchange when it has its connection. Kept ones are used again unless `force_close`."""

    async def connect(self, *args: Any, **kwargs: Any) -> Any:
        connection = await super().connect(*args, **kwargs)
        progress_now().enter(Phase.FIRST_BYTE)
        return connection


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
        # Where connections to each host go: what is told of an exchange over one that was kept.
        self._addresses: dict[tuple[str, str], str] = {}

    async def __aenter__(self) -> Self:
        self._resolver = CheckedResolver(self._allowed)
        self._session = self._open(force_close=False)
        # A traced call makes a connection of its own, for the name, the certificate and every phase are to be seen.
        self._tracing = self._open(force_close=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()
        await self._tracing.close()
        await self._resolver.close()

    def _open(self, *, force_close: bool) -> aiohttp.ClientSession:
        connector = _Connector(
            resolver=self._resolver,
            use_dns_cache=False,
            limit=0,
            ssl=self._tls,
            socket_factory=self._socket,
            force_close=force_close,
            keepalive_timeout=None if force_close else KEPT_SECONDS,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None),
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
            max_headers=MOST_HEADERS,
        )

    def _socket(self, target: tuple[Any, ...]) -> socket.socket:
        """A socket for this address of `getaddrinfo`: the policy's last word, whatever was thought to be resolved."""
        family, kind, proto, _, address = target
        check_addresses([str(address[0])], self._allowed)
        progress = progress_now()
        progress.address = _shown_address(address)
        progress.enter(Phase.CONNECT)
        return socket.socket(family, kind, proto)

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, deadline: float | None = None, traced: bool = False
    ) -> Reply:
        """POST and read the answer. Every failure is a `Reply`, never an exception.

        Args:
            deadline: seconds for name, connection, TLS, headers and body together.
            traced: over a connection of its own, with `Reply.details`.
        """
        progress, seconds = begin_progress(), self._deadline if deadline is None else deadline
        session = self._tracing if traced else self._session
        try:
            async with asyncio.timeout(seconds):
                reply = await self._exchange(session, url, headers, body, progress)
        except Exception as error:
            word, message = explain(error, progress, seconds)
            progress.enter(None)
            reply = Reply(progress.milliseconds, error=word, message=message, address=progress.address)
        return replace(reply, details=progress.details()) if traced else reply

    async def _exchange(
        self, session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], body: bytes, progress: Progress
    ) -> Reply:
        target, literal = _target(url)
        if literal is not None:  # aiohttp asks the resolver for names only
            check_addresses([literal], self._allowed)
        async with session.post(target, data=body, headers=headers, allow_redirects=False) as response:
            progress.enter(Phase.BODY)
            content = await _read_capped(response)
            progress.enter(None)
            if progress.address is not None:
                self._addresses[target.scheme, target.raw_authority] = progress.address
            status = response.status
            return Reply(
                progress.milliseconds,
                status_code=status,
                error="redirect" if 300 <= status < 400 else None,
                message=_status_message(status),
                address=self._addresses.get((target.scheme, target.raw_authority)),
                headers=_kept_headers(response.headers),
                body=storable(content.decode("utf-8", "replace")),
            )


@lru_cache(maxsize=4096)
def _target(url: str) -> tuple[URL, str | None]:
    """The URL, and its host where that is an address.

    Raises:
        ForbiddenAddress: see `check_url`.
    """
    check_url(url)
    target = URL(url)
    try:
        return target, str(ipaddress.ip_address(target.host or ""))
    except ValueError:
        return target, None


def _shown_address(address: tuple[Any, ...]) -> str:
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _read_capped(response: aiohttp.ClientResponse) -> bytes:
    content = b""
    while len(content) < LARGEST_REPLY:
        part = await response.content.read(LARGEST_REPLY - len(content))
        if not part:
            return content
        content += part
    if not response.content.at_eof():
        response.close()  # the rest is not wanted, nor the connection it would arrive on
    return content


def _kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The first of them, cut; aiohttp reads bytes that are not UTF-8 as lone surrogates."""
    kept = list(headers.items())
    if len(kept) > KEPT_HEADERS:
        kept = [*kept[:KEPT_HEADERS], *(one for one in kept[KEPT_HEADERS:] if one[0].lower() == "retry-after")]
    return {storable(name[:200]): storable(value[:2000]) for name, value in kept}


def _status_message(status: int) -> str:
    if 200 <= status < 300:
        return "The receiver accepted it."
    if 300 <= status < 400:
        return f"The receiver answered {status}, a redirect; redirects are never followed. Register the final address."
    if status == 410:
        return "The receiver answered 410 Gone: it wants no more events."
    return f"The receiver answered {status}."
