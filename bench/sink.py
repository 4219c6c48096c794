"""A receiver that costs next to nothing: answers every POST with 204, after `--delay` seconds, and counts.

At a path that begins with `/hang` it never answers, at one with `/fail` a fifth of its answers is 500. `GET /` tells
how many came, and when the first and the last did (Unix seconds); with `--timed`, how long after its event each came
to `/healthy…`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import time
from datetime import datetime

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_TIMESTAMP = re.compile(rb'"timestamp":"([^"]+)"')
_FAILED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
FAILING = 0.2
_DONE = b"HTTP/1.1 204 No Content\r\n\r\n"


class Counts:
    """What all connections together have seen."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.count, self.first, self.last = 0, 0.0, 0.0
        self.waited: list[float] = []  # seconds

    def add(self) -> None:
        self.last = time.time()
        self.first = self.first or self.last
        self.count += 1


class Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self, counts: Counts, delay: float, timed: bool) -> None:
        self._counts, self._delay, self._timed, self._buffer = counts, delay, timed, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # of a TCP server

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._buffer, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            asked, self._buffer = self._buffer[:whole], self._buffer[whole:]
            if asked.startswith(b"POST"):
                self._take(asked)
            else:
                self._tell()

    def _take(self, asked: bytes) -> None:
        self._counts.add()
        hangs, fails = asked.startswith(b"POST /hang"), asked.startswith(b"POST /fail")
        timed = self._timed and asked.startswith(b"POST /healthy")
        if timed and (found := _TIMESTAMP.search(asked)) is not None:
            self._counts.waited.append(time.time() - datetime.fromisoformat(found[1].decode()).timestamp())
        answer = _FAILED if fails and random.random() < FAILING else _DONE
        if hangs:
            return
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, answer)
        else:
            self._transport.write(answer)

    def _tell(self) -> None:
        body = json.dumps(vars(self._counts)).encode()
        self._counts.clear()
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


async def serve(port: int, delay: float, timed: bool) -> None:
    """Until the process is ended."""
    counts = Counts()
    server = await asyncio.get_running_loop().create_server(
        lambda: Sink(counts, delay, timed), "127.0.0.1", port, backlog=1024
    )
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--timed", action="store_true")
    chosen = parser.parse_args()
    asyncio.run(serve(chosen.port, chosen.delay, chosen.timed))
