"""Passes what a program prints on to this process's own output, line by line, without ever waiting for the reader."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

# A pipe that select(2) calls writable takes this much without blocking (PIPE_BUF, pipe(7)).
_ATOMIC = 4096
_LONGEST_LINE = 64 * 1024
_MOST_WAITING = 1024 * 1024


class Output:
    """Bytes on their way to a file descriptor. A reader that stops reading loses lines; the programs go on."""

    def __init__(self, descriptor: int = 1) -> None:
        self.descriptor = descriptor
        self._waiting = bytearray()
        self._broken = False

    def add(self, data: bytes) -> None:
        """Queue whole lines."""
        if not self._broken and len(self._waiting) + len(data) <= _MOST_WAITING:
            self._waiting += data

    @property
    def waiting(self) -> bool:
        return bool(self._waiting)

    def write(self) -> None:
        """Write one piece; call it when the descriptor is writable, or at the end, when waiting no longer matters."""
        try:
            written = os.write(self.descriptor, self._waiting[:_ATOMIC])
        except BlockingIOError:
            return
        except OSError:  # nobody reads any more; the programs go on
            self._broken = True
            written = len(self._waiting)
        del self._waiting[:written]


class Lines:
    """Cuts a stream into lines and puts `prefix` before each."""

    def __init__(self, prefix: bytes, sink: Callable[[bytes], None]) -> None:
        self._prefix = prefix
        self._sink = sink
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Pass on the complete lines; keep the rest for the next call."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            lines.append(self._rest)
            self._rest = b""
        if lines:
            self._sink(b"".join(self._prefix + line + b"\n" for line in lines))

    def drain(self, descriptor: int) -> None:
        """Pass on what a dead program left in its pipe."""
        os.set_blocking(descriptor, False)
        with suppress(BlockingIOError):
            while data := os.read(descriptor, 65536):
                self.feed(data)

    def finish(self) -> None:
        """Pass on the last line, which did not end."""
        if self._rest:
            self.feed(b"\n")
