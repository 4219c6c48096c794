"""Forwarding the audit to the studio's own systems: at least once, in the order of the seals, each target by itself.

A target that is down keeps its place in the database and waits; nobody waits for it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import threading
import time
from collections.abc import Sequence
from typing import Any

import orjson

from domain.clock import Clock
from domain.db import Database
from domain.forwards.commands import Taken, note_failed, note_sent, register_targets, take_target
from domain.forwards.queries import next_batch
from domain.forwards.targets import Target, Way

from .syslog import send_over_tcp, send_over_udp
from .transport import Transport

MOST_ROWS = 500
# A target that is far behind gives the lease away from time to time.
TURN_SECONDS = 30.0
# The operator has named these addresses in the configuration: no policy knows better.
EVERYWHERE = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
AGENT = "Callsheet-Audit/1"

log = logging.getLogger("callsheet.forwarding")


class NotTaken(Exception):
    """The target did not take a batch. The message says why."""


class Forwarding:
    """Sends to every target of the configuration. Any number may run at once; one of them has each target's lease."""

    def __init__(self, database: Database, clock: Clock, targets: Sequence[Target], token: str | None) -> None:
        self._database = database
        self._clock = clock
        self._targets = targets
        self._token = token
        self._registered = False
        self._threads: dict[str, threading.Thread] = {}

    def start(self) -> None:
        """Look after every target that nobody here is sending to, each in a thread of its own."""
        if not self._registered:
            with self._database.transaction() as session:
                register_targets(session, [target.url for target in self._targets], self._clock())
            self._registered = True
        for target in self._targets:
            if target.url not in self._threads or not self._threads[target.url].is_alive():
                self._threads[target.url] = threading.Thread(target=self._forward, args=(target,), daemon=True)
                self._threads[target.url].start()

    def settle(self) -> None:
        """Wait for what is being sent."""
        for thread in self._threads.values():
            thread.join()

    def _forward(self, target: Target) -> None:
        try:
            self._send_all(target)
        except Exception:
            log.exception("the audit could not be forwarded to %s", target.shown)

    def _send_all(self, target: Target) -> None:
        """Send until the target has everything or does not take it, half a minute at most."""
        with self._database.transaction() as session:
            taken = take_target(session, target.url, self._clock())
        if taken is None:
            return
        stop_at, sequence = time.monotonic() + TURN_SECONDS, taken.sequence
        most = max(1, MOST_ROWS >> taken.failures)  # a batch may have been too large for it
        while True:
            with self._database.reading() as session:
                batch = next_batch(session, sequence, most)
            if batch.gone:
                log.error("%s rows were pruned before %s took them", batch.gone, target.shown)
            try:
                self._send(target, batch.entries)
            except (OSError, NotTaken) as error:
                self._wait(target, taken, str(error))
                return
            more = batch.last > sequence and time.monotonic() < stop_at
            with self._database.transaction() as session:
                kept = note_sent(session, taken, batch.last, self._clock(), more=more)
            if not (more and kept):
                return
            sequence = batch.last

    def _wait(self, target: Target, taken: Taken, error: str) -> None:
        with self._database.transaction() as session:
            wait = note_failed(session, taken, error, self._clock())
        log.warning("%s does not take the audit (%s); next try in %.0f s", target.shown, error, wait.total_seconds())

    def _send(self, target: Target, entries: list[dict[str, Any]]) -> None:
        if not entries:
            return
        if target.way == Way.FILE:
            _append(target.path, _ndjson(entries))
        elif target.way == Way.SYSLOG_UDP:
            send_over_udp(target.host, target.port, entries)
        elif target.way == Way.SYSLOG_TCP:
            send_over_tcp(target.host, target.port, entries)
        else:
            asyncio.run(self._post(target.url, _ndjson(entries)))

    async def _post(self, url: str, body: bytes) -> None:
        headers = {"Content-Type": "application/x-ndjson", "User-Agent": AGENT}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        async with Transport(EVERYWHERE) as transport:
            reply = await transport.post(url, headers, body)
        if reply.status_code is None or not 200 <= reply.status_code < 300:
            raise NotTaken(reply.message)


def _ndjson(entries: list[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE) for entry in entries)


def _append(path: str, lines: bytes) -> None:
    """Add whole lines to the file and the disk; what was half written when the disk was full is ended first."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        is_half = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        file.write(b"\n" + lines if is_half else lines)
        file.flush()
        os.fsync(descriptor)
