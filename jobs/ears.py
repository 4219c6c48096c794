"""Waiting for whichever comes first: an attempt that ends, a ring, or the time to look again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any

from redis.exceptions import RedisError

from .queues import Bell

LISTEN_SECONDS = 1.0  # how soon something due without a ring is seen, and how soon a worker notices that it should stop

log = logging.getLogger("callsheet.deliveries")


class Ears:
    """Hears rings while attempts are under way: one that hangs must not keep the others from being started.

    Args:
        hear: waits for a ring, for that many seconds; None for a worker that listens to no bell.
    """

    def __init__(self, hear: Callable[[float], bool] | None) -> None:
        self._hear = hear
        self._ring: asyncio.Task[bool] | None = None

    @property
    def deaf(self) -> bool:
        """Whether no ring will ever be heard."""
        return self._hear is None

    async def wait(self, running: Collection[asyncio.Task[Any]]) -> bool:
        """Until an attempt ends, a ring is heard or a second has gone by; whether it was a ring."""
        if self._hear is not None and self._ring is None:
            self._ring = asyncio.create_task(asyncio.to_thread(self._hear, LISTEN_SECONDS))
        awaited = [*running, *filter(None, [self._ring])]
        await asyncio.wait(awaited, timeout=LISTEN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        return self._heard()

    def _heard(self) -> bool:
        if self._ring is None or not self._ring.done():
            return False
        ring, self._ring = self._ring, None
        try:
            return ring.result()
        except RedisError as error:
            log.warning("the bell is not heard any more: %s", error)
            self._hear = None
            return False

    async def close(self) -> None:
        """Let the last wait run out: its connection may not be closed under it."""
        if self._ring is not None:
            await asyncio.wait([self._ring])
            self._heard()


@asynccontextmanager
async def open_ears(bell: Bell | None) -> AsyncIterator[Ears]:
    """Ears for every ring from here on; deaf ones without a bell, or while Redis is away.

    At the end somebody else is called: a ring may have been counted for these ears and come too late for them.
    """
    if bell is None:
        yield Ears(None)
        return
    try:
        with contextlib.ExitStack() as stack:
            ears = Ears(_listen(stack, bell))
            try:
                yield ears
            finally:
                await ears.close()
    finally:
        await asyncio.to_thread(bell.call)


def _listen(stack: contextlib.ExitStack, bell: Bell) -> Callable[[float], bool] | None:
    try:
        return stack.enter_context(bell.listening())
    except RedisError as error:
        log.warning("cannot listen for the bell: %s", error)
        return None
