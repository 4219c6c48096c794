"""What the sweeper does for artifacts: has previews drawn that nobody draws, and removes blobs that nothing names."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from domain.artifacts.store import ArtifactStore, StoreUnavailable
from domain.clock import Clock, system_clock
from domain.db import Database

from .artifact_store import open_store
from .beside import Beside
from .orphans import Orphans
from .previews import Previews, previews_of
from .queues import Caller, preview_caller
from .runtime import Runtime

# One that is queued for less than this has a call of its own on its way.
PATIENCE = timedelta(seconds=1)
UNHEARD = timedelta(seconds=20)  # a worker draws some ten in this time
DRAWING_SECONDS = 30.0

log = logging.getLogger("callsheet.sweeper")


class ArtifactCare:
    """One `round` at each tick."""

    def __init__(
        self, database: Database, store: ArtifactStore, clock: Clock, previews: Previews, caller: Caller
    ) -> None:
        self._clock, self._previews, self._caller = clock, previews, caller
        self._orphans = Orphans(database, store, clock)
        self._called_since: datetime | None = None
        self._drawing = Beside(lambda: previews.drain(DRAWING_SECONDS))
        self._removing = Beside(self._remove_orphans)

    def round(self, *, tidy: bool) -> None:
        """Call a worker for previews that wait; where nobody comes, draw here. `tidy`: look for orphans, too."""
        if not self._previews.is_any_queued(PATIENCE):
            self._called_since = None
        elif (not self._caller.call() or self._is_unheard()) and self._drawing.start():
            log.warning("Previews have waited for long: the sweeper draws them, too")
        if tidy:
            self._removing.start()

    def _is_unheard(self) -> bool:
        """Whether it has called for as long as a worker may take: what waited before it began does not count."""
        now = self._clock()
        self._called_since = self._called_since or now
        return now - self._called_since >= UNHEARD and self._previews.is_any_queued(UNHEARD)

    def _remove_orphans(self) -> None:
        try:
            removed = self._orphans.remove()
        except StoreUnavailable as error:
            log.warning("blobs that nothing names could not be looked for: %s", error)
        else:
            if removed:
                log.info("removed %s blobs that nothing names", removed)

    def settle(self) -> None:
        """Wait for what is under way."""
        self._drawing.settle()
        self._removing.settle()


def care_of(runtime: Runtime) -> ArtifactCare:
    """The care of an installation."""
    store = open_store(runtime.settings.artifacts)
    return ArtifactCare(runtime.database, store, system_clock, previews_of(runtime), preview_caller(runtime.redis))
