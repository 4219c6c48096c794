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

from domain.clock import Clock
from domain.crypto import CannotDecrypt, Keyring
from domain.db import Database
from domain.deliveries.commands import Attempt, Claimed, Outcome, claim, note_health, record, rehearse_claim
from domain.deliveries.figures import note_figures
from domain.webhooks.addresses import Network
from domain.webhooks.queries import signing_secrets
from domain.webhooks.retry import Schedule, Verdict, judge
from domain.webhooks.signing import signed_headers

from .ears import Ears, open_ears
from .queues import Bell
from .transport import Reply, Transport

SLOTS = 200
LONGEST_DRAIN_SECONDS = 60.0
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
            async with open_ears(self.bell) as ears:
                await self._work(transport, ears)
            # Nobody rings for this worker any more: what hangs until its deadline keeps no other from the next ring.
            while self._running:
                await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
                await self._gather()
        return self._attempts

    def stop(self) -> None:
        """Claim nothing more and come back when what is under way has been recorded."""
        self._stop_at = 0.0

    @property
    def _seconds_left(self) -> float:
        return self._stop_at - time.monotonic()

    async def _work(self, transport: Transport, ears: Ears) -> None:
        """Claim, send and record until the time is over, or there is nothing left to do or to hear."""
        while self._seconds_left > 0:
            started = await self._fill(transport)
            if not self._running and ears.deaf:
                return
            full = len(self._running) >= self.slots
            if started and not full:
                continue
            if await ears.wait(self._running) and full:
                await self._call()  # this worker was counted as a listener and has no slot for what was rung for
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
        if len(claimed) == free:
            await self._call()  # there may be more than this worker has slots for
        for one in claimed:
            self._running.add(asyncio.create_task(self._send(transport, one, secrets.get(one.webhook_id))))
        return len(claimed)

    async def _call(self) -> None:
        if self.bell is not None:
            await asyncio.to_thread(self.bell.call)

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
        if claimed.scheduled > len(self.schedule.waits):  # it may be what its worker died of, and is not sent for ever
            reply = Reply(0, error="abandoned", message="Not sent: how the last attempt ended was never recorded.")
        elif not secrets:
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
        """Record together the attempts that have ended and those that end right behind them."""
        if not any(task.done() for task in self._running):
            return
        if len(self._running) > 1:
            await asyncio.wait(self._running, timeout=GATHER_SECONDS)
        done = [task for task in self._running if task.done()]
        self._running.difference_update(done)
        self._attempts += len(done)
        await asyncio.to_thread(self._record, [task.result() for task in done])

    def _record(self, attempts: Sequence[Attempt]) -> None:
        now = self.clock()
        with self.database.transaction() as session:
            held = record(session, [self._outcome(attempt, now) for attempt in attempts], now)
            failing = _webhooks(held, "pending", "failed")
            healthy = _webhooks(held, "delivered") - failing
            gone = _webhooks(held, "cancelled")
            note_health(session, sorted(failing), sorted(healthy), sorted(gone), now)
            note_figures(session, [(outcome.status, outcome.attempt.duration_ms) for outcome in held])

    def _outcome(self, attempt: Attempt, now: datetime) -> Outcome:
        verdict = judge(attempt.status_code)
        if verdict is Verdict.DELIVERED:
            return Outcome(attempt, "delivered", now)
        if verdict is Verdict.GONE:
            return Outcome(attempt, "cancelled", now)
        again = self.schedule.next_attempt(attempt.claimed.scheduled, now, attempt.retry_after)
        return Outcome(attempt, "failed", now) if again is None else Outcome(attempt, "pending", again)


def _webhooks(outcomes: Sequence[Outcome], *statuses: str) -> set[str]:
    return {outcome.attempt.claimed.webhook_id for outcome in outcomes if outcome.status in statuses}


def _retry_after(reply: Reply) -> int | None:
    value = next((value for name, value in reply.headers.items() if name.lower() == "retry-after"), "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None
