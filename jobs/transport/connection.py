"""One HTTP/1.1 connection to a receiver: a request at a time, and of each answer no more than will be kept."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import httptools

from .progress import Phase, Progress

LARGEST_REPLY = 16 * 1024
LARGEST_HEAD = 64 * 1024  # of an answer, with informational ones before it
MOST_HEADERS = 100
_TOO_LARGE = "The answer's headers are too large."
_INFORMATIONAL = range(100, 200)


class BadAnswer(Exception):
    """The receiver's answer is not HTTP as we take it; the message is a sentence for an admin."""


class Disconnected(Exception):
    """The receiver closed the connection before its answer was complete."""


@dataclass(slots=True)
class Answer:
    """What came back.

    Attributes:
        body: its first 16 KiB; the connection is closed when there is more.
    """

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""


class Connection(asyncio.Protocol):
    """Made by the event loop; `exchange` sends a request and waits for its answer."""

    def __init__(self) -> None:
        self.closed = False
        self.idle_since = 0.0
        self.heard = False  # a byte of the answer that is being waited for
        self._transport: asyncio.Transport
        self._waiting: asyncio.Future[Answer] | None = None
        self._progress: Progress | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer = Answer()
        self._head_bytes = 0
        self._in_body = self._until_close = False

    async def exchange(self, request: bytes, progress: Progress) -> Answer:
        """Send the request; its answer.

        Raises:
            BadAnswer, Disconnected: see there.
        """
        self._progress, self.heard, self._head_bytes = progress, False, 0
        self._waiting = asyncio.get_running_loop().create_future()
        if self.closed:
            raise Disconnected
        self._transport.write(request)
        try:
            return await self._waiting
        except BaseException:
            self.abort()
            raise
        finally:
            self._waiting = None
            self.idle_since = time.monotonic()

    def abort(self) -> None:
        """Close it at once, whatever is under way."""
        self.closed = True
        self._transport.abort()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream's

    def data_received(self, data: bytes) -> None:
        if self._waiting is None or self._waiting.done():  # nobody asked for this
            self.abort()
            return
        self.heard = True
        try:
            self._parser.feed_data(data)
            if not self._in_body and not self._waiting.done():  # a line that has no end, or answers without one
                self._count(len(data))
        except BadAnswer as error:
            self._fail(error)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._fail(cause if isinstance(cause, BadAnswer) else BadAnswer("The answer is not valid HTTP."))
        except httptools.HttpParserUpgrade:
            self._fail(BadAnswer("The answer is not valid HTTP."))

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if self._in_body and self._until_close and error is None:
            self._finish()
        else:
            self._fail(error or Disconnected())

    # What the parser calls.

    def on_message_begin(self) -> None:
        self._answer, self._until_close = Answer(), True

    def on_header(self, name: bytes, value: bytes) -> None:
        self._answer.headers.append((name, value))
        self._count(len(name) + len(value))
        if len(self._answer.headers) > MOST_HEADERS:
            raise BadAnswer(_TOO_LARGE)
        if name.lower() in (b"content-length", b"transfer-encoding"):
            self._until_close = False

    def _count(self, more: int) -> None:
        self._head_bytes += more
        if self._head_bytes > LARGEST_HEAD:
            raise BadAnswer(_TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._answer.status = self._parser.get_status_code()
        if self._answer.status not in _INFORMATIONAL:
            self._in_body = True
            if self._progress is not None:
                self._progress.enter(Phase.BODY)

    def on_body(self, part: bytes) -> None:
        answer = self._answer
        answer.body += part[: LARGEST_REPLY - len(answer.body)]
        if len(answer.body) >= LARGEST_REPLY:  # the rest is not wanted, nor the connection it would arrive on
            self._finish()
            self.abort()

    def on_message_complete(self) -> None:
        if self._in_body:
            if not self._parser.should_keep_alive():
                self.abort()
            self._finish()

    def _finish(self) -> None:
        self._in_body = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(self._answer)

    def _fail(self, error: Exception) -> None:
        self._in_body = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)
