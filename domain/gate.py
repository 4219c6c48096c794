"""How many calls a process works on at once, and how many more may wait in it.

More threads at work slow each other down, so that only a few work; a thread that waits costs memory and no more.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any


class Gate:
    """Entered with `with` by a thread that works; the others queue up.

    Args:
        working: most threads at work.
        waiting: most calls that wait for something to happen meanwhile, outside of the gate.
    """

    def __init__(self, working: int, waiting: int) -> None:
        # A queue of turns, which is in C: `threading.Semaphore` is not, and every call passes here.
        self._turns: SimpleQueue[None] = SimpleQueue()
        for _ in range(working):
            self._turns.put(None)
        self._room = waiting
        self._crowd = 0
        self._streams: Counter[str] = Counter()
        self._rooms: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __enter__(self) -> Gate:
        self._turns.get()
        return self

    def __exit__(self, *_error: object) -> None:
        self._turns.put(None)

    @contextmanager
    def left(self) -> Iterator[None]:
        """Let another thread work while this one, which is inside, waits."""
        self._turns.put(None)
        try:
            yield
        finally:
            self._turns.get()

    def take_room(self, key_id: str | None = None) -> bool:
        """Take a place among those that wait, to be given back by `give_room`; False when there is none, or when this
        key has half of all: others are to have some, too.
        """
        with self._lock:
            if self._crowd >= self._room or (key_id is not None and 2 * self._rooms[key_id] >= self._room + 1):
                return False
            self._crowd += 1
            if key_id is not None:
                self._rooms[key_id] += 1
            return True

    def give_room(self, key_id: str | None = None) -> None:
        """Give the place back, for whom it was taken."""
        with self._lock:
            self._crowd -= 1
            if key_id is not None:
                _take_off(self._rooms, key_id)

    @property
    def crowd(self) -> int:
        """How many wait, or look for what they wait for."""
        return self._crowd

    def open_stream(self, key_id: str, most: int) -> bool:
        """Count a stream of this key, until `close_stream`; False when it has that many."""
        with self._lock:
            if self._streams[key_id] >= most:
                return False
            self._streams[key_id] += 1
            return True

    def close_stream(self, key_id: str) -> None:
        """One has ended."""
        with self._lock:
            _take_off(self._streams, key_id)

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Wait for somebody else as one of those that wait, if there is room; in one's turn if there is none. It is
        counted for no key: one whose calls have its half must not send in the turns of those that work.
        """
        if not self.take_room():
            yield
            return
        try:
            with self.left():
                yield
        finally:
            self.give_room()

    def body_outside(self, body: Any) -> OutsideBody:
        """A request's body (`wsgi.input`), to be read by a thread that is inside: it waits for its sender outside."""
        return OutsideBody(self, body)

    def through(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """A body whose every piece is made inside of the gate."""
        return _Paced(self, pieces)


def _take_off(counted: Counter[str], name: str) -> None:
    counted[name] -= 1
    if not counted[name]:
        del counted[name]


class OutsideBody:
    """What WSGI asks of an input (PEP 3333). A sender takes as long as it likes, which must keep nobody from working.

    No transaction may be open when it is read.
    """

    def __init__(self, gate: Gate, body: Any) -> None:
        self._gate = gate
        self._body = body
        self._is_outside = False

    @contextmanager
    def throughout(self) -> Iterator[None]:
        """Be outside for longer than a piece: with what is passed on to somebody else, who takes their time as well."""
        with self._gate.outside():
            self._is_outside = True
            try:
                yield
            finally:
                self._is_outside = False

    def read(self, *size: int) -> bytes:
        """See PEP 3333; the others likewise."""
        return bytes(self._wait(self._body.read, *size))

    def readline(self, *size: int) -> bytes:
        return bytes(self._wait(self._body.readline, *size))

    def readlines(self, *hint: int) -> list[bytes]:
        return list(self._wait(self._body.readlines, *hint))

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def _wait(self, read: Callable[..., Any], *size: int) -> Any:
        if self._is_outside:
            return read(*size)
        with self._gate.outside():
            return read(*size)


class _Paced:
    """No generator: closing one that was never begun would not close what it goes through."""

    def __init__(self, gate: Gate, pieces: Iterable[bytes]) -> None:
        self._gate = gate
        self._pieces = pieces
        self._iterator = iter(pieces)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._gate:
            return next(self._iterator)

    def close(self) -> None:
        """What a WSGI server calls at the end (PEP 3333), whether or not it read everything."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()
