"""The hub: wakes the calls that wait in this process for what any process has changed.

One thread and one connection listen for all of them. Redis is a hint here too: while it is away everything counts as
changed once a second, and what this process commits wakes its own calls without it.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Collection, Sequence
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import RedisError

from domain.grouping import Grouped

CHANNEL = "callsheet:changes"
AWAY_SECONDS = 1.0  # between tries while Redis is away
QUIET_SECONDS = 5.0  # after which a connection has to show that it lives
# Where much is told it is heard in groups: waking for each message would take as many turns from those who work.
TOGETHER_SECONDS = 0.02
MOST_TOPICS = 10_000

log = logging.getLogger("callsheet.hub")


class Hub:
    """See the module; it is `domain.ports.Changes`.

    Args:
        redis: a client with short timeouts; it must not decode responses.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._name = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._count = 0  # of what was heard
        self._last: dict[str, int] = {}  # by topic: which it was
        self._anything = 0  # a topic that is not in there may have changed up to here
        self._waiting: dict[str, set[threading.Event]] = {}
        self._thread: threading.Thread | None = None
        self._quiet_until = 0.0
        self._telling: Grouped[Collection[str], None] = Grouped(self._publish)

    def tell(self, topics: Collection[str]) -> None:
        """Wake whoever waits for one of these, here and in every other process."""
        if not topics:
            return
        self._heard(topics)
        if time.monotonic() < self._quiet_until:
            return
        try:
            self._telling.run(topics)
        except RedisError as error:
            self._quiet_until = time.monotonic() + AWAY_SECONDS
            log.warning("other processes could not be told of changes: %s", error)

    def _publish(self, told: Sequence[Collection[str]]) -> Sequence[None]:
        topics = sorted({topic for each in told for topic in each})
        self._redis.publish(CHANNEL, b"\n".join([self._sender, *(topic.encode() for topic in topics)]))
        return [None] * len(told)

    @property
    def _sender(self) -> bytes:
        return f"{self._name}-{os.getpid()}".encode()  # a fork is another process

    def mark(self) -> int:
        """The present moment, to be taken before one looks; `wait` then misses nothing that comes after it."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._listen, name="hub", daemon=True)
                self._thread.start()
            return self._count

    def wait(self, topics: Collection[str], mark: int, seconds: float) -> bool:
        """Until one of these may have changed since the mark, or so many seconds are over; whether one may have."""
        woken, topics = threading.Event(), frozenset(topics)
        with self._lock:
            if any(self._last.get(topic, self._anything) > mark for topic in topics):
                return True
            for topic in topics:
                self._waiting.setdefault(topic, set()).add(woken)
        try:
            return woken.wait(seconds)
        finally:
            with self._lock:
                for topic in topics:
                    waiting = self._waiting[topic]
                    waiting.discard(woken)
                    if not waiting:
                        del self._waiting[topic]

    def _heard(self, topics: Collection[str]) -> None:
        with self._lock:
            self._count += 1
            if len(self._last) >= MOST_TOPICS:
                self._last.clear()
                self._anything = self._count
            self._last.update(dict.fromkeys(topics, self._count))
            woken = [event for topic in topics for event in self._waiting.get(topic, ())]
        for event in woken:
            event.set()

    def _anything_changed(self) -> None:
        with self._lock:
            self._count += 1
            self._anything = self._count
            self._last.clear()
            woken = [event for waiting in self._waiting.values() for event in waiting]
        for event in woken:
            event.set()

    def _listen(self) -> None:
        told = False
        while True:
            try:
                self._hear_until_lost()
            except (RedisError, OSError) as error:
                if not told:
                    log.warning("changes are not heard; those who wait look every second: %s", error)
                told = True
            else:
                told = False
            self._anything_changed()
            time.sleep(AWAY_SECONDS)

    def _hear_until_lost(self) -> None:
        """Hear what is told, for as long as the connection lasts."""
        channel = self._redis.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # redis'
        try:
            channel.subscribe(CHANNEL)
            channel.get_message(timeout=AWAY_SECONDS)  # the confirmation
            self._anything_changed()  # what was told before it was not heard
            while True:
                self._hear_all(channel, _next_message(channel))
                time.sleep(TOGETHER_SECONDS)  # what comes meanwhile is heard in one go
        except (NotConnected, TimeoutError) as error:
            log.info("the connection that hears changes was lost: %s", error)
        finally:
            channel.close()

    def _hear_all(self, channel: Any, message: dict[str, Any] | None) -> None:
        """This message and those that have come by now."""
        while message is not None:
            self._hear(message)
            message = channel.get_message()

    def _hear(self, message: dict[str, Any]) -> None:
        if message["type"] != "message":
            return
        sender, *topics = message["data"].split(b"\n")
        if sender != self._sender:
            self._heard([topic.decode() for topic in topics])


def _next_message(channel: Any) -> dict[str, Any]:
    message = channel.get_message(timeout=QUIET_SECONDS)
    if message is None:
        channel.ping()
        message = channel.get_message(timeout=QUIET_SECONDS)
    if message is None:
        raise NotConnected("nothing was heard for too long")
    found: dict[str, Any] = message
    return found
