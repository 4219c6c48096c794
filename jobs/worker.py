"""The RQ side: `rq worker deliveries --worker-class jobs.worker.DeliveryWorker …` runs `drain` when the bell rings.

RQ forks a child for each job. Importing everything here, in the parent, is what makes the child start at once.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from rq import Worker

from config import Settings

from .runtime import Runtime

log = logging.getLogger("callsheet.worker")


@cache
def runtime() -> Runtime:
    """This process's runtime; made in the parent, which connects to nothing, and used in its children."""
    return Runtime.build(Settings.from_env())


def drain() -> int:
    """The job: clear the bell, deliver what is due, and ring again when a minute was not enough."""
    here = runtime()
    here.bell.answer()
    attempts = here.drain()
    log.debug("drained: %s attempts", attempts)
    return attempts


class DeliveryWorker(Worker):
    """RQ's worker with its settings read and its code loaded before the first fork."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        runtime()
        super().__init__(*args, **kwargs)
