"""Taking the steps of replays that are due."""

from __future__ import annotations

import logging
import time

from domain.clock import Clock
from domain.db import Database
from domain.replays.commands import Terms
from domain.replays.queries import due_replays
from domain.replays.steps import step_replay

from .queues import Bell

# Of a tick of the sweeper; the rest of what is due waits for the next one.
LONGEST_ROUND_SECONDS = 0.5

log = logging.getLogger("callsheet.replays")


class Replays:
    """Several sweepers may take steps at the same time: each step is taken by one."""

    def __init__(self, database: Database, bell: Bell, clock: Clock, terms: Terms) -> None:
        self._database = database
        self._bell = bell
        self._clock = clock
        self._terms = terms

    def round(self) -> int:
        """Step whatever is due, and ring for what was queued. How many deliveries that were."""
        until, queued = time.monotonic() + LONGEST_ROUND_SECONDS, 0
        while time.monotonic() < until:
            with self._database.reading() as session:
                due = due_replays(session, self._clock())
            if not due:
                break
            queued += sum(map(self._step, due))
        if queued:
            self._bell.ring()
        return queued

    def _step(self, replay_id: str) -> int:
        """A replay that cannot go on keeps no other from it, and is tried again."""
        try:
            with self._database.transaction() as session:
                return step_replay(session, replay_id, self._clock(), self._terms)
        except Exception:
            log.exception("the replay %s could not go on", replay_id)
            return 0
