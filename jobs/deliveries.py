"""Draining: claim what is due under a lease, send it all at once, record what came of it, until nothing is due.

No transaction is open while a socket is. A slot that falls free is filled again without waiting for the slowest.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.clock import Clock
from domain.crypto import CannotDecrypt, Keyring
from domain.db import Database
from domain.deliveries.commands import Attempt, Claimed, Outcome, claim, note_health, record
from domain.webhooks.addresses import Network
from domain.webhooks.queries import signing_secrets
from domain.webhooks.retry import Schedule, Verdict, judge
from domain.webhooks.signing import signed_headers

from .transport import Reply, Transport

SLOTS = 200
LONGEST_DRAIN_SECONDS = 60.0
GATHER_SECONDS = 0.005  # outcomes that arrive this close together are recorded together
AGENT = "Callsheet-Webhooks/1"

log = logging.getLogger("callsheet.deliveries")


@dataclass
class Drain:
    """One worker's round: `run` returns how many attempts it made."""

    database: Database
    keyring: Keyring
    clock: Clock
    schedule: Schedule
    allowed: tuple[Network, ...]
    slots: int = SLOTS
    _running: set[asyncio.Task[Attempt]] = field(default_factory=set)
    _attempts: int = 0

    async def run(self) -> int:
        """Send until nothing is due, or for a minute; then whoever called rings again."""
        stop_at = time.monotonic() + LONGEST_DRAIN_SECONDS
        async with Transport(self.allowed) as transport:
            while True:
                started = 0 if time.monotonic() > stop_at else await self._fill(transport)
                if not self._running:
                    break
                if not started or len(self._running) >= self.slots:
                    await self._gather()
        return self._attempts

    async def _fill(self, transport: Transport) -> int:
        """Claim for every free slot and start sending."""
        free = self.slots - len(self._running)
        if free <= 0:
            return 0
        claimed, secrets = await asyncio.to_thread(self._claim, free)
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
