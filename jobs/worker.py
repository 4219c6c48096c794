"""The RQ side: `rq worker deliveries --worker-class jobs.worker.DeliveryWorker …` runs `drain` when the bell rings.

`rq worker previews` with the same class runs `draw`.

RQ forks a child for each job. Importing everything here, in the parent, is what makes the child start at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
from datetime import timedelta
from functools import cache
from typing import Any

from redis.client import Pipeline
from rq import Worker, worker_registration

from config import Settings

from .previews import previews_of
from .queues import preview_caller
from .runtime import Runtime, spare_collector

DRAWING_SECONDS = 60.0
PATIENT = 5


@cache
def runtime() -> Runtime:
    """This process's runtime; made in the parent, which connects to nothing, and used in its children."""
    return Runtime.build(Settings.from_env())


def drain() -> int:
    """The job: clear the bell, deliver what is due, listen for a minute, and hand over to the next job."""
    here = runtime()
    here.bell.answer()
    return here.drain(listen=True)


def draw() -> int:
    """The job: draw the previews that are queued, for a while, and hand over to the next job when there are more.

    SIGTERM ends it in good order.
    """
    os.nice(PATIENT)  # calls and deliveries go first; this process is this job's alone
    here = runtime()
    caller = preview_caller(here.redis)
    caller.answer()
    previews = previews_of(here)
    signal.signal(signal.SIGTERM, lambda *_: previews.stop())
    drawn = previews.drain(DRAWING_SECONDS)
    if previews.is_any_queued(timedelta()):
        caller.call()
    return drawn


class DeliveryWorker(Worker):
    """RQ's worker with its settings read and its code loaded before the first fork."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        runtime().warm_up()
        spare_collector()
        super().__init__(*args, **kwargs)

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Say that it is alive, and that it is there at all: a Redis that lost everything has forgotten who works."""
        super().heartbeat(timeout, pipeline)
        worker_registration.register(self, pipeline)

    def handle_warm_shutdown_request(self) -> None:
        """Tell the child to finish what is under way and come back, rather than wait for its minute to end."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]  # RQ's
        if self.horse_pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.horse_pid, signal.SIGTERM)
