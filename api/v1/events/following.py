"""Following the feed for one stream: nothing is open while there is nothing to tell."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import ColumnElement
from sqlalchemy.exc import SQLAlchemyError

from domain.errors import Gone
from domain.events.feed import Part, Told, check_kept, cursor_at, read_part, topics_for

from ...call import Call
from ...problems import Problem
from ...waiting import look_again, pause

HEARTBEAT_SECONDS = 25.0  # proxies give up on a connection that is silent for 30 or 60 s
AGAIN_MILLISECONDS = 2000  # after which a client that lost the connection comes back
AT_ONCE = 100  # events in one piece

log = logging.getLogger("callsheet.stream")


class Follower:
    """One stream, from its opening.

    Args:
        start: the place behind which it begins.
    """

    def __init__(self, call: Call, conditions: Sequence[ColumnElement[bool]], start: int) -> None:
        self._call = call
        self._conditions = conditions
        self._place = start

    def pieces(self) -> Iterator[bytes]:
        """The stream's body. It ends when the key does, when what follows is pruned, or on a failure of ours.

        A client then comes back and is told why, or gets what it missed.
        """
        try:
            yield f"retry: {AGAIN_MILLISECONDS}\n\n".encode()
            yield from self._follow()
        except (Problem, Gone):
            return
        except SQLAlchemyError as error:
            log.warning("a stream ended: %s", error, extra={"request_id": self._call.request_id})

    def _follow(self) -> Iterator[bytes]:
        # At random, for many that began at once to be told apart.
        beat_at = time.monotonic() + random.uniform(0.3, 1) * HEARTBEAT_SECONDS  # noqa: S311 - nobody gains by it
        while True:
            mark, began = self._call.services.changes.mark(), time.monotonic()
            part = self._next_part()
            if part.events:
                beat_at = began + HEARTBEAT_SECONDS
                yield b"".join(map(_written, part.events))
            look_at = began + look_again()
            if not part.is_all:
                self._readmit()
            while part.is_all and not self._woken(mark, began, min(beat_at, look_at)) and time.monotonic() < look_at:
                beat_at = time.monotonic() + HEARTBEAT_SECONDS
                # An id without data is where a client goes on, and no event (section 9.2.6).
                yield f": still here\nid: {cursor_at(self._place)}\n\n".encode()

    def _readmit(self) -> None:
        """Let the call in once more although it does not wait: there may be hours of events to tell."""
        assert self._call.readmit is not None
        self._call.readmit(self._call)

    def _woken(self, mark: int, began: float, until: float) -> bool:
        return pause(self._call, topics_for(self._call.actor), mark, until - time.monotonic(), began)

    def _next_part(self) -> Part:
        extent = self._call.services.feed.extent(fresh=self._call.woken)
        check_kept(extent, self._place)
        with self._call.services.database.reading() as session:
            part = read_part(session, self._call.actor, self._conditions, self._place, extent, AT_ONCE)
        self._place = part.until
        return part


def _written(told: Told) -> bytes:
    """One event: a body is JSON on one line."""
    return f"id: {cursor_at(told.position)}\nevent: {told.type}\ndata: {told.body}\n\n".encode()


class Following:
    """A stream's body, which gives back its place however it ends: read to the end, closed, or never begun."""

    def __init__(self, pieces: Iterator[bytes], close: Callable[[], None]) -> None:
        self._pieces = pieces
        self._close: Callable[[], None] | None = close

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """What a WSGI server calls when the client is gone."""
        close, self._close = self._close, None
        if close is not None:
            close()

    __del__ = close
