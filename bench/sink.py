"""A receiver that costs next to nothing: answers every POST with 204, after `--delay` seconds, and counts.

`GET /` tells how many came, and when the first and the last did (Unix seconds).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_DONE = b"HTTP/1.1 204 No Content\r\n\r\n"


class Counts:
    """What all connections together have seen."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.count, self.first, self.last = 0, 0.0, 0.0

    def add(self) -> None:
        self.last = time.time()
        self.first = self.first or self.last
        self.count += 1


class Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self, counts: Counts, delay: float) -> None:
        self._counts, self._delay, self._buffer = counts, delay, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # of a TCP server

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._buffer, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            asked, self._buffer = self._buffer[:4], self._buffer[whole:]
            if asked == b"POST":
                self._take()
            else:
                self._tell()

    def _take(self) -> None:
        self._counts.add()
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, _DONE)
        else:
            self._transport.write(_DONE)

    def _tell(self) -> None:
        body = json.dumps(vars(self._counts)).encode()
        self._counts.clear()
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


async def serve(port: int, delay: float) -> None:
    """Until the process is ended."""
    counts = Counts()
    server = await asyncio.get_running_loop().create_server(
        lambda: Sink(counts, delay), "127.0.0.1", port, backlog=1024
    )
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--delay", type=float, default=0.0)
    chosen = parser.parse_args()
    asyncio.run(serve(chosen.port, chosen.delay))
