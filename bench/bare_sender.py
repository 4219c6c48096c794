"""A bare aiohttp loop that POSTs the same bytes again and again: what sending costs without keeping anything."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

import aiohttp


async def send(url: str, body: bytes, count: int, connections: int) -> float:
    """Seconds for all of them."""
    left = iter(range(count))
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one_after_the_other() -> None:
            for _ in left:
                async with session.post(url, data=body, headers=headers) as response:
                    await response.read()

        started = time.perf_counter()
        await asyncio.gather(*(one_after_the_other() for _ in range(connections)))
        return time.perf_counter() - started


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=64)
    chosen = parser.parse_args()
    print(asyncio.run(send(chosen.url, sys.stdin.buffer.read(), chosen.count, chosen.connections)))
