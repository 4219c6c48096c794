"""Draining: claim what is due under a lease, send it, record what came of it, until nothing is due.

No transaction is open while a socket is. Slots are refilled as they fall free: in one transaction the worker records
what has ended since the last one and claims anew, while what it claimed before is being sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.clock import Clock
from domain.crypto import Keyring
from domain.db import Database, Session
from domain.deliveries.claiming import Ask, Claimed, Endpoint, claim, due_endpoints, release
from domain.deliveries.figures import note_figures
from domain.deliveries.health import begin_probes, note_health
from domain.deliveries.limits import Limits
from domain.deliveries.models import LANES
from domain.deliveries.recording import Attempt, Outcome, record
from domain.webhooks.addresses import Network
from domain.webhooks.health import Ended
from domain.webhooks.retry import Schedule, Verdict, judge

from .ears import Ears, open_ears
from .lines import LATER, Line, asks
from .queues import Bell
from .sending import Target, attempt
from .targets import Targets
from .transport import Transport

SLOTS = 1024
LONGEST_DRAIN_SECONDS = 60.0
GATHER_SECONDS = 0.005  # outcomes that arrive this close together are recorded together
ENOUGH = 128  # outcomes that are recorded without waiting for more
CALL_SECONDS = 1.0  # between calls for other workers
QUEUED_SECONDS = 8.0  # what has waited for its turn for longer is given back before its lease runs out

log = logging.getLogger("callsheet.deliveries")


class _Enough(Exception):
    """Ends a rehearsal."""


@dataclass
class Drain:
    """One worker's round: `run` returns how many attempts it made.

    Args:
        disable_after: of failing without one success, an endpoint is disabled; None for never.
    """

    database: Database
    keyring: Keyring
    clock: Clock
    schedule: Schedule
    allowed: tuple[Network, ...]
    bell: Bell | None = None
    slots: int = SLOTS
    disable_after: timedelta | None = None
    _stop_at: float = 0.0
    _attempts: int = 0
    _called_at: float = 0.0
    _lines: dict[str, Line] = field(default_factory=dict)
    _targets: dict[str, Target] = field(default_factory=dict)
    _sending: set[asyncio.Task[None]] = field(default_factory=set)
    _ended: list[Attempt] = field(default_factory=list)
    _unsent: list[Claimed] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reader = Targets(self.keyring)

    async def run(self) -> int:
        """Send until nothing is due and, with a bell, wait for its next ring; a minute in all, or until `stop`.

        A worker that waits here starts on a ring within milliseconds; waking one through the queue takes tens.
        """
        self._stop_at = time.monotonic() + LONGEST_DRAIN_SECONDS
        self._wake = asyncio.Event()
        async with Transport(self.allowed) as self._transport:
            async with open_ears(self.bell, self._wake) as ears:
                await self._work(ears)
            # Nobody rings for this worker any more: what hangs until its deadline keeps no other from the next ring.
            await self._turn(0)
            while self._sending or self._ended or self._unsent:
                if not self._ended and not self._unsent:
                    await self._wake.wait()
                await self._turn(0)
        return self._attempts

    def stop(self) -> None:
        """Claim nothing more and come back when what is under way has been recorded."""
        self._stop_at = 0.0

    @property
    def _seconds_left(self) -> float:
        return self._stop_at - time.monotonic()

    @property
    def _free(self) -> int:
        return self.slots - sum(line.under_way for line in self._lines.values())

    async def _work(self, ears: Ears) -> None:
        """Claim, send and record until the time is over, or there is nothing left to do or to hear."""
        rang = False
        while self._seconds_left > 0:
            free = self._free
            claimed = await self._turn(free)
            if claimed >= free if free > 0 else rang:
                await self._call()  # there may be more than this worker has slots for
            if claimed:
                continue
            if not self._sending and not self._ended and not self._unsent and ears.deaf:
                return
            rang = await ears.wait()
            if not rang and 0 < len(self._ended) < ENOUGH:
                await asyncio.sleep(GATHER_SECONDS)

    async def _turn(self, free: int) -> int:
        """Record what has ended and claim for `free` slots, in one transaction; how many were claimed."""
        self._wake.clear()
        ended, self._ended = self._ended, []
        unsent = self._give_back(free)
        if not (ended or unsent or free > 0):
            return 0
        claimed, stopped = await asyncio.to_thread(self._in_database, ended, unsent, free)
        for webhook_id in stopped & self._lines.keys():
            self._unsent += self._lines[webhook_id].give_back(0)
        self._attempts += len(ended)
        for one in claimed:
            self._lines.setdefault(one.webhook_id, Line()).put(one)
        # What is sent again has waited already, and lets those go before that are well.
        again = {one.webhook_id for one in claimed if one.lane in LATER}
        for webhook_id in sorted({one.webhook_id for one in claimed}, key=again.__contains__):
            self._start(webhook_id)
        return len(claimed)

    def _give_back(self, free: int) -> list[Claimed]:
        """What was claimed and will not be sent here in time: at the end of the work, or behind what hangs."""
        last = free == 0 and self._seconds_left <= 0
        unsent, self._unsent = self._unsent, []
        for line in self._lines.values():
            unsent += line.give_back(0.0 if last else QUEUED_SECONDS)
        return unsent

    def _start(self, webhook_id: str) -> None:
        line = self._lines[webhook_id]
        while (claimed := line.next()) is not None:
            task = asyncio.create_task(self._send(line, claimed))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _send(self, line: Line, claimed: Claimed) -> None:
        target = self._targets[claimed.webhook_id]
        ended = await attempt(self._transport, target, claimed, len(self.schedule.waits), self.clock)
        line.ended(claimed, ended.status_code is not None, ended.duration_ms / 1000)
        self._ended.append(ended)
        self._wake.set()
        self._start(claimed.webhook_id)

    async def _call(self) -> None:
        """Wake another worker, once a second at most."""
        if self.bell is not None and time.monotonic() - self._called_at > CALL_SECONDS:
            self._called_at = time.monotonic()
            await asyncio.to_thread(self.bell.call)

    def _in_database(
        self, ended: Sequence[Attempt], unsent: Sequence[Claimed], free: int
    ) -> tuple[list[Claimed], set[str]]:
        """What was claimed, and the webhooks that nothing may be sent to for now."""
        now = self.clock()
        with self.database.transaction() as session:
            held, stopped = self._record(session, ended, now) if ended else ([], set())
            release(session, unsent, now)
            claimed = self._claim(session, free, now) if free > 0 else []
            note_figures(session, [(outcome.status, outcome.attempt.duration_ms) for outcome in held])
        return claimed, stopped

    def _claim(self, session: Session, free: int, now: datetime) -> list[Claimed]:
        endpoints = due_endpoints(session, now)
        probing = [one.id for one in endpoints if one.probing]
        if probing:
            begun = begin_probes(session, probing, now)
            endpoints = [one for one in endpoints if not one.probing or one.id in begun]
        if not endpoints:
            return []
        limits = Limits.read(session, endpoints, now)
        lanes = sum((line.claimed for line in self._lines.values()), Counter[int]())
        claimed = claim(session, limits.cut(asks(free, endpoints, self._lines, lanes)), now)
        limits.charge(session, claimed, now)
        taken = {one.webhook_id for one in claimed}
        self._targets |= self._reader.read(session, [one for one in endpoints if one.id in taken], now)
        return claimed

    def _record(self, session: Session, attempts: Sequence[Attempt], now: datetime) -> tuple[list[Outcome], set[str]]:
        """The outcomes that hold, and the webhooks that nothing may be sent to for now."""
        held = record(session, [self._outcome(attempt, now) for attempt in attempts], now)
        ended: dict[str, list[Ended]] = {}
        for one in held:
            claimed, said = one.attempt.claimed, one.attempt
            delivered = one.status == "delivered"
            ended.setdefault(claimed.webhook_id, []).append(
                Ended(delivered, claimed.scheduled, said.status_code, said.retry_after)
            )
        gone = {one.attempt.claimed.webhook_id for one in held if one.status == "cancelled"}
        return held, note_health(session, ended, gone, now, self.disable_after)

    def _outcome(self, attempt: Attempt, now: datetime) -> Outcome:
        verdict = judge(attempt.status_code)
        if verdict is Verdict.DELIVERED:
            return Outcome(attempt, "delivered", now)
        if verdict is Verdict.GONE:
            return Outcome(attempt, "cancelled", now)
        again = self.schedule.next_attempt(attempt.claimed.scheduled, now, attempt.retry_after)
        return Outcome(attempt, "failed", now) if again is None else Outcome(attempt, "pending", again)

    def rehearse(self) -> None:
        """Run every statement of a round on no rows, in a transaction that is rolled back."""
        now = self.clock()
        nothing = Claimed("", "", "", 1, 0, "", False, b"")
        with contextlib.suppress(_Enough), self.database.transaction() as session:
            due_endpoints(session, now)
            claim(session, [Ask("", lane, 1, ordered) for lane in LANES for ordered in (False, True)], now)
            self._reader.read(session, [Endpoint.nobody()], now)
            self._record(session, [Attempt(nothing, now, 0, 200, None, "")], now)
            release(session, [nothing], now)
            raise _Enough
