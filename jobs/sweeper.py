"""The sweeper: finds what is due without any queue, prunes, and says that it is alive. `python -m jobs.sweeper`."""

from __future__ import annotations

import logging
import signal
import threading
from datetime import timedelta

from config import Settings
from domain.clock import system_clock
from domain.deliveries.queries import next_due
from domain.operations.commands import beat, prune

from .runtime import Runtime

TICK_SECONDS = 1.0
PRUNE_EVERY_TICKS = 60
# A delivery that is due for less than this has a bell of its own on its way.
PATIENCE = timedelta(seconds=1)

log = logging.getLogger("callsheet.sweeper")


class Sweeper:
    """One round is a `tick`; `run` makes one every second until it is told to stop."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._ticks = 0
        self.stopping = threading.Event()

    def run(self) -> None:
        """Tick until `stopping` is set; a tick that fails is logged and the next one tries again."""
        while not self.stopping.wait(TICK_SECONDS):
            try:
                self.tick()
            except Exception:
                log.exception("a sweep failed; the next one is in %s s", TICK_SECONDS)

    def tick(self) -> None:
        """Ring for deliveries that are overdue; deliver them here when Redis is away."""
        database, now = self._runtime.database, system_clock()
        with database.transaction() as session:
            beat(session, "sweeper", now)
        with database.reading() as session:
            due = next_due(session)
        if due is not None and due <= now - PATIENCE and not self._runtime.bell.ring():
            log.warning("Redis is away: delivering from the sweeper")
            self._runtime.drain(listen=False)
        if self._ticks % PRUNE_EVERY_TICKS == 0:
            with database.transaction() as session:
                prune(session, now)
        self._ticks += 1


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    sweeper = Sweeper(Runtime.build(Settings.from_env(), pool=2))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sweeper.stopping.set())
    sweeper.run()


if __name__ == "__main__":
    main()
