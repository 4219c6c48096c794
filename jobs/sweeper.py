"""The sweeper: finds what is due without any queue, takes back jobs, steps replays, prunes, seals and forwards.

`python -m jobs.sweeper`.
"""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from config import Settings
from domain.api_keys.commands import note_expiring
from domain.clock import system_clock
from domain.deliveries.queries import next_due
from domain.events.commands import tell_of_unplaced
from domain.events.positions import Feed
from domain.jobs.leases import MOST_AT_ONCE, expire_leases
from domain.operations.commands import beat, prune
from domain.operations.queries import SEALING_FAULT
from domain.replays.commands import Terms

from .artifacts import care_of
from .forwarding import Forwarding
from .replays import Replays
from .retention import AuditPruner, DeliveryPruner
from .runtime import Runtime
from .sealing import Sealing

TICK_SECONDS = 1.0
TIDY_EVERY_TICKS = 60
PRUNE_EVERY_TICKS = 600
# Of a tick, for each kind of what need not be kept; whoever writes meanwhile waits for one batch of it.
PRUNE_SECONDS = 0.25
# A delivery that is due for less than this has a bell of its own on its way.
PATIENCE = timedelta(seconds=1)
# Redis counts listeners that are frozen, cut off or busy in every slot; by now one that is well would have come.
UNHEARD = timedelta(seconds=5)

log = logging.getLogger("callsheet.sweeper")


class Sweeper:
    """One round is a `tick`; `run` makes one every second until it is told to stop."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._ticks = 0
        self._pruners = (
            AuditPruner(runtime.database, runtime.keyring, runtime.settings.audit_days),
            DeliveryPruner(runtime.database, runtime.settings),
        )
        self._unpruned: Sequence[AuditPruner | DeliveryPruner] = ()
        self._replays = Replays(runtime.database, runtime.bell, system_clock, Terms.of(runtime.settings))
        self._feed = Feed(runtime.database)
        self._delivering = threading.Thread()
        settings = runtime.settings
        self._artifacts = care_of(runtime)
        self._sealing = Sealing(runtime.database, runtime.keyring, system_clock, settings.home)
        self._forwarding = Forwarding(
            runtime.database, system_clock, settings.audit_forward, settings.audit_forward_token
        )
        self.stopping = threading.Event()

    def run(self) -> None:
        """Tick until `stopping` is set; a tick that fails is logged and the next one tries again."""
        while not self.stopping.wait(TICK_SECONDS):
            try:
                self.tick()
            except Exception:
                log.exception("a sweep failed; the next one is in %s s", TICK_SECONDS)

    def tick(self) -> None:
        """Say that it is alive; tell of events; see to jobs, replays, late deliveries, keys; prune, seal, forward."""
        database, now = self._runtime.database, system_clock()
        with database.transaction() as session:
            beat(session, "sweeper", now)
            tell_of_unplaced(session)
        self._take_back_jobs(now)
        self._replays.round()
        with database.reading() as session:
            due = next_due(session)
        if due is not None and due <= now - PATIENCE:
            self._see_to(now - due)
        self._artifacts.round(tidy=self._ticks % PRUNE_EVERY_TICKS == 0)
        if self._ticks % TIDY_EVERY_TICKS == 0:
            with database.transaction() as session:
                prune(session, now)
            with database.transaction() as session:
                note_expiring(session, now)
        if self._ticks % PRUNE_EVERY_TICKS == 0:
            self._unpruned = self._pruners
        self._unpruned = [pruner for pruner in self._unpruned if self._prune(pruner, now)]
        self._ticks += 1
        self._see_to_audit()
        self._feed.extent()  # nobody may read the feed for long: what has to be put into it then would be much

    def _take_back_jobs(self, now: datetime) -> None:
        """Some at a time: who claims or reports one meanwhile waits for no more than these."""
        taken = MOST_AT_ONCE
        while taken == MOST_AT_ONCE:
            with self._runtime.database.transaction() as session:
                taken = expire_leases(session, now)

    def _see_to_audit(self) -> None:
        """Last, and by itself: a chain or disk that is broken stops nothing but what it breaks."""
        try:
            self._sealing.round()
        except Exception:
            log.exception("the audit was not sealed in good order")
            with self._runtime.database.transaction() as session:
                beat(session, SEALING_FAULT + socket.gethostname(), system_clock())
        self._forwarding.start()

    def _prune(self, pruner: AuditPruner | DeliveryPruner, now: datetime) -> bool:
        """Prune for a part of this tick, with pauses in which others write; whether there is more."""
        until = time.monotonic() + PRUNE_SECONDS
        while (began := time.monotonic()) < until:
            if not pruner.step(now):
                return False
            self.stopping.wait(time.monotonic() - began)
        return True

    def _see_to(self, overdue: timedelta) -> None:
        """Ring; where nobody hears it, or nobody who heard it has come, call somebody else and deliver here."""
        if self._runtime.bell.ring() and overdue < UNHEARD:
            return
        self._runtime.bell.call()
        if not self._delivering.is_alive():
            log.warning("Nobody has come to deliver for %.0f s: the sweeper does", overdue.total_seconds())
            # Beside the ticks, which say that the sweeper is alive.
            self._delivering = threading.Thread(target=self._runtime.drain, kwargs={"listen": False}, daemon=True)
            self._delivering.start()

    def settle(self) -> None:
        """Wait for what is being delivered and forwarded here."""
        if self._delivering.is_alive():
            self._delivering.join()
        self._forwarding.settle()
        self._artifacts.settle()


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    settings = Settings.from_env()
    sweeper = Sweeper(Runtime.build(settings, pool=3 + len(settings.audit_forward)))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sweeper.stopping.set())
    sweeper.run()


if __name__ == "__main__":
    main()
