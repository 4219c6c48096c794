"""The only outbound HTTP: one POST, to an address that the policy allows, within a deadline and a byte cap."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from domain.db import storable
from domain.webhooks.addresses import ForbiddenAddress, Network, check_addresses, check_url

DEADLINE_SECONDS = 20.0  # name, connection, TLS, headers and body together
LARGEST_REPLY = 16 * 1024
LARGEST_HEADERS = 16 * 1024
RESOLVE_SECONDS = 3.0
# A look-up cannot be cancelled. In threads of their own, names that hang hold up other names and never the database.
NAMES_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, or why nothing did.

    Attributes:
        status_code: None when there was no whole answer.
        error: a stable word, None after a whole answer.
        message: a sentence for an admin.
        address: where the connection went.
        body: the first 16 KiB, undecodable bytes replaced.
    """

    duration_ms: int
    status_code: int | None = None
    error: str | None = None
    message: str = ""
    address: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


class CheckedResolver(AbstractResolver):
    """Resolves a name once for each connection and hands over its first address, if the policy accepts every one."""

    def __init__(self, allowed: tuple[Network, ...]) -> None:
        self._allowed = allowed
        self._threads = ThreadPoolExecutor(NAMES_AT_ONCE, thread_name_prefix="resolve")
        self.chosen: dict[str, str] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """See aiohttp; raises `ForbiddenAddress`."""
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM, family=family)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        address, *_ = check_addresses([str(entry[4][0]) for entry in found], self._allowed)
        self.chosen[host] = address
        kind, _, proto, _, _ = found[0]
        flags = socket.AI_NUMERICHOST
        return [ResolveResult(hostname=host, host=address, port=port, family=kind, proto=proto, flags=flags)]

    async def close(self) -> None:
        """Wait for no name: nothing ends a look-up but the system's own deadline."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Transport:
    """Sends bodies. One for each event loop; use as an async context manager.

    Args:
        allowed: ranges that are permitted although they are not public.
        deadline: seconds for a whole exchange.
    """

    def __init__(self, allowed: tuple[Network, ...], deadline: float = DEADLINE_SECONDS) -> None:
        self._allowed = allowed
        self._deadline = deadline

    async def __aenter__(self) -> Self:
        self._resolver = CheckedResolver(self._allowed)
        connector = aiohttp.TCPConnector(resolver=self._resolver, use_dns_cache=False, limit=0, keepalive_timeout=15)
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None),
            max_line_size=LARGEST_HEADERS,
            max_field_size=LARGEST_HEADERS,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()
        await self._resolver.close()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """POST and read the answer. Every failure is a `Reply`, never an exception."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._deadline):
                return await self._exchange(url, headers, body, started)
        except Exception as error:
            word, message = explain(error)
            return Reply(_since(started), error=word, message=message)

    async def _exchange(self, url: str, headers: Mapping[str, str], body: bytes, started: float) -> Reply:
        check_url(url)
        target = URL(url)
        host = target.host or ""
        if _is_literal(host):  # aiohttp asks the resolver for names only
            check_addresses([host], self._allowed)
        async with self._session.post(target, data=body, headers=headers, allow_redirects=False) as response:
            content = await _read_capped(response)
            redirected = 300 <= response.status < 400
            return Reply(
                _since(started),
                status_code=response.status,
                error="redirect" if redirected else None,
                message=_status_message(response.status),
                address=_shown_address(self._resolver.chosen.get(host, host), target.port),
                headers=_kept_headers(response.headers),
                body=storable(content.decode("utf-8", "replace")),
            )


def _shown_address(address: str, port: int | None) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _is_literal(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return False
    return True


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
    return {storable(name[:200]): storable(value[:2000]) for name, value in list(headers.items())[:50]}


def _since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)


def _status_message(status: int) -> str:
    if 200 <= status < 300:
        return "The receiver accepted it."
    if 300 <= status < 400:
        return f"The receiver answered {status}, a redirect; redirects are never followed. Register the final address."
    if status == 410:
        return "The receiver answered 410 Gone: it wants no more events."
    return f"The receiver answered {status}."


# The first row whose type fits tells a word and a sentence. Order matters: aiohttp's errors inherit widely.
EXPLANATIONS: tuple[tuple[tuple[type[BaseException], ...], str, str], ...] = (
    ((TimeoutError,), "timeout", "No complete answer within the deadline."),
    (
        (aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError),
        "certificate",
        "The receiver's TLS certificate is not valid for its name, has expired or is not trusted.",
    ),
    ((aiohttp.ClientConnectorSSLError, ssl.SSLError), "tls", "A TLS connection could not be made."),
    ((aiohttp.ClientConnectorDNSError, socket.gaierror), "name_not_found", "The receiver's name has no address."),
    (
        (ConnectionRefusedError,),
        "refused",
        "The receiver refused the connection: nothing listens at that address and port.",
    ),
    (
        (aiohttp.ServerDisconnectedError, ConnectionResetError),
        "disconnected",
        "The receiver closed the connection without an answer.",
    ),
    ((aiohttp.ClientConnectorError, OSError), "unreachable", "The receiver's address could not be reached."),
    ((aiohttp.ClientPayloadError, aiohttp.ClientResponseError), "bad_answer", "The answer is not valid HTTP."),
)


def explain(error: Exception) -> tuple[str, str]:
    """A stable word and a plain sentence for what went wrong."""
    forbidden = next((cause for cause in _causes(error) if isinstance(cause, ForbiddenAddress)), None)
    if forbidden is not None:
        return "forbidden_address", f"Not sent: {forbidden}"
    if isinstance(error, aiohttp.ClientConnectorError) and type(error) is aiohttp.ClientConnectorError:
        error = error.os_error  # what the system said of the socket
    for types, word, message in EXPLANATIONS:
        if isinstance(error, types):
            return word, message
    return "failed", f"The request failed ({type(error).__name__})."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


_resolvers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="resolve")


def target_check(allowed: tuple[Network, ...]) -> Any:
    """The `CheckTarget` port: the policy over a URL and what its host resolves to now.

    A name that cannot be resolved yet is accepted: its deliveries fail and are retried like any other failure.
    """

    def check(url: str) -> None:
        host = check_url(url)
        future = _resolvers.submit(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
        try:
            found = future.result(RESOLVE_SECONDS)
        except (OSError, UnicodeError, FutureTimeout):
            return
        check_addresses(sorted({str(entry[4][0]) for entry in found}), allowed)

    return check
