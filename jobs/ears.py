"""Waiting for whichever comes first: an attempt that ends, a ring, or the time to look again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from redis.exceptions import RedisError

from .queues import Bell

LISTEN_SECONDS = 1.0  # how soon something due without a ring is seen, and how soon a worker notices that it should stop

log = logging.getLogger("callsheet.deliveries")


class Ears:
    """Hears rings while attempts are under way: one that hangs must not keep the others from being started.

    Args:
        hear: waits for a ring, for that many seconds; None for a worker that listens to no bell.
        wake: set by whatever else is waited for, such as an attempt that ends.
    """

    def __init__(self, hear: Callable[[float], bool] | None, wake: asyncio.Event) -> None:
        self._hear = hear
        self._wake = wake
        self._listening: asyncio.Task[bool] | None = None

    @property
    def deaf(self) -> bool:
        """Whether no ring will ever be heard."""
        return self._hear is None

    async def wait(self) -> bool:
        """Until something wakes us, a ring is heard or a second has gone by; whether it was a ring."""
        if self._hear is not None and self._listening is None:
            self._listening = asyncio.create_task(asyncio.to_thread(self._hear, LISTEN_SECONDS))
            self._listening.add_done_callback(lambda _: self._wake.set())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), LISTEN_SECONDS)
        return self._heard()

    def _heard(self) -> bool:
        if self._listening is None or not self._listening.done():
            return False
        listened, self._listening = self._listening, None
        try:
            return listened.result()
        except RedisError as error:
            log.warning("the bell is not heard any more: %s", error)
            self._hear = None
            return False

    async def close(self) -> None:
        """Let the last wait run out: its connection may not be closed under it."""
        if self._listening is not None:
            await asyncio.wait([self._listening])
            self._heard()


@asynccontextmanager
async def open_ears(bell: Bell | None, wake: asyncio.Event) -> AsyncIterator[Ears]:
    """Ears for every ring from here on; deaf ones without a bell, or while Redis is away.

    At the end somebody else is called: a ring may have been counted for these ears and come too late for them.
    """
    if bell is None:
        yield Ears(None, wake)
        return
    try:
        with contextlib.ExitStack() as stack:
            ears = Ears(_listen(stack, bell), wake)
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
