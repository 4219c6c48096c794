"""Draining: claim what is due under a lease, send it all at once, record what came of it, until nothing is due.

No transaction is open while a socket is. A slot that falls free is filled again without waiting for the slowest.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from redis.exceptions import RedisError

from domain.clock import Clock
from domain.crypto import CannotDecrypt, Keyring
from domain.db import Database
from domain.deliveries.commands import Attempt, Claimed, Outcome, claim, note_health, record, rehearse_claim
from domain.webhooks.addresses import Network
from domain.webhooks.queries import signing_secrets
from domain.webhooks.retry import Schedule, Verdict, judge
from domain.webhooks.signing import signed_headers

from .queues import Bell
from .transport import Reply, Transport

SLOTS = 200
LONGEST_DRAIN_SECONDS = 60.0
LISTEN_SECONDS = 1.0  # how soon a listening worker notices that it should stop
GATHER_SECONDS = 0.005  # outcomes that arrive this close together are recorded together
AGENT = "Callsheet-Webhooks/1"

log = logging.getLogger("callsheet.deliveries")


class _Enough(Exception):
    """Ends a rehearsal."""


@dataclass
class Drain:
    """One worker's round: `run` returns how many attempts it made."""

    database: Database
    keyring: Keyring
    clock: Clock
    schedule: Schedule
    allowed: tuple[Network, ...]
    bell: Bell | None = None
    slots: int = SLOTS
    _stop_at: float = 0.0
    _running: set[asyncio.Task[Attempt]] = field(default_factory=set)
    _attempts: int = 0

    async def run(self) -> int:
        """Send until nothing is due and, with a bell, wait for its next ring; a minute in all, or until `stop`.

        A worker that waits here starts on a ring within milliseconds; waking one through the queue takes tens.
        """
        self._stop_at = time.monotonic() + LONGEST_DRAIN_SECONDS
        async with Transport(self.allowed) as transport:
            await self._work(transport)
            if self.bell is not None and self._seconds_left > 0:
                await self._attend(transport, self.bell)
        return self._attempts

    def stop(self) -> None:
        """Claim nothing more and come back when what is under way has been recorded."""
        self._stop_at = 0.0

    @property
    def _seconds_left(self) -> float:
        return self._stop_at - time.monotonic()

    async def _attend(self, transport: Transport, bell: Bell) -> None:
        try:
            with bell.listening() as wait:
                while self._seconds_left > 0:
                    await self._work(transport)
                    await asyncio.to_thread(wait, min(LISTEN_SECONDS, max(0.0, self._seconds_left)))
        except RedisError as error:
            log.warning("cannot listen for the bell: %s", error)

    async def _work(self, transport: Transport) -> None:
        """Claim, send and record until nothing is due."""
        while True:
            started = await self._fill(transport) if self._seconds_left > 0 else 0
            if not self._running:
                return
            if not started or len(self._running) >= self.slots:
                await self._gather()

    def rehearse(self) -> None:
        """Run every statement of a round on no rows, in a transaction that is rolled back."""
        now = self.clock()
        with self.database.reading() as session:
            signing_secrets(session, self.keyring, [], now)
        with contextlib.suppress(_Enough), self.database.transaction() as session:
            rehearse_claim(session, now)
            note_health(session, [""], [""], [], now)
            raise _Enough

    async def _fill(self, transport: Transport) -> int:
        """Claim for every free slot and start sending."""
        free = self.slots - len(self._running)
        if free <= 0:
            return 0
        claimed, secrets = await asyncio.to_thread(self._claim, free)
        if len(claimed) == free and self.bell is not None:
            self.bell.call()  # there may be more than this worker has slots for
        for one in claimed:
            self._running.add(asyncio.create_task(self._send(transport, one, secrets.get(one.webhook_id))))
        return len(claimed)

    def _claim(self, limit: int) -> tuple[Sequence[Claimed], dict[str, list[str]]]:
        now = self.clock()
        with self.database.transaction() as session:
            claimed = claim(session, now, limit)
        if not claimed:
            return [], {}
        with self.database.reading() as session:
            found: dict[str, list[str]] = {}
            for webhook_id in {one.webhook_id for one in claimed}:
                try:
                    found |= signing_secrets(session, self.keyring, [webhook_id], now)
                except CannotDecrypt as error:
                    log.error("%s", error)
            return claimed, found

    async def _send(self, transport: Transport, claimed: Claimed, secrets: list[str] | None) -> Attempt:
        started_at = self.clock()
        headers = {"Content-Type": "application/json", "User-Agent": AGENT, "Accept-Encoding": "identity"}
        if not secrets:
            reply = Reply(0, error="no_secret", message="Not sent: the webhook has no signing secret that can be read.")
        else:
            stamp = int(started_at.timestamp())
            headers |= signed_headers(secrets, claimed.event_id, stamp, claimed.body)
            reply = await transport.post(claimed.url, headers, claimed.body)
        return Attempt(
            claimed=claimed,
            started_at=started_at,
            duration_ms=reply.duration_ms,
            status_code=reply.status_code,
            error=reply.error,
            message=reply.message,
            address=reply.address,
            request_headers=headers,
            response_headers=reply.headers,
            response_body=reply.body,
            retry_after=_retry_after(reply),
        )

    async def _gather(self) -> None:
        """Wait for an answer, take those that arrive right behind it, and record them together."""
        await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        if len(self._running) > 1:
            await asyncio.wait(self._running, timeout=GATHER_SECONDS)
        done = [task for task in self._running if task.done()]
        self._running.difference_update(done)
        self._attempts += len(done)
        await asyncio.to_thread(self._record, [task.result() for task in done])

    def _record(self, attempts: Sequence[Attempt]) -> None:
        now = self.clock()
        outcomes = [self._outcome(attempt, now) for attempt in attempts]
        failing = {o.attempt.claimed.webhook_id for o in outcomes if o.status in ("pending", "failed")}
        healthy = {o.attempt.claimed.webhook_id for o in outcomes if o.status == "delivered"} - failing
        gone = {o.attempt.claimed.webhook_id for o in outcomes if o.status == "cancelled"}
        with self.database.transaction() as session:
            record(session, outcomes, now)
            note_health(session, sorted(failing), sorted(healthy), sorted(gone), now)

    def _outcome(self, attempt: Attempt, now: datetime) -> Outcome:
        verdict = judge(attempt.status_code)
        if verdict is Verdict.DELIVERED:
            return Outcome(attempt, "delivered", now)
        if verdict is Verdict.GONE:
            return Outcome(attempt, "cancelled", now)
        again = self.schedule.next_attempt(attempt.claimed.attempt, now, attempt.retry_after)
        return Outcome(attempt, "failed", now) if again is None else Outcome(attempt, "pending", again)


def _retry_after(reply: Reply) -> int | None:
    value = next((value for name, value in reply.headers.items() if name.lower() == "retry-after"), "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None
