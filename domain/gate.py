"""How many calls a process works on at once, and how many more may wait in it.

More threads at work slow each other down, so that only a few work; a thread that waits costs memory and no more.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue


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

    def take_room(self) -> bool:
        """Take a place among those that wait, to be given back by `give_room`; False when there is none."""
        with self._lock:
            if self._crowd >= self._room:
                return False
            self._crowd += 1
            return True

    def give_room(self) -> None:
        """Give the place back."""
        with self._lock:
            self._crowd -= 1

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
            self._streams[key_id] -= 1
            if not self._streams[key_id]:
                del self._streams[key_id]

    def through(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """A body whose every piece is made inside of the gate."""
        return _Paced(self, pieces)


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
