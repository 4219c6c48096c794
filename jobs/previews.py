"""Drawing previews: the built-in kind of job, claimed and reported like a farm's, without a way over HTTP."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from domain.access import SYSTEM
from domain.artifacts.commands import Kept, keep_artifact, write_blob
from domain.artifacts.store import ArtifactStore, StoreUnavailable
from domain.clock import Clock, system_clock
from domain.db import Database, Row, Session
from domain.errors import Conflict
from domain.events.commands import Context
from domain.finding import find_row
from domain.jobs.builtin_kinds import PREVIEW
from domain.jobs.claiming import Ask, claim_job
from domain.jobs.models import jobs
from domain.jobs.rules import JobTerms
from domain.jobs.working import CANCELLED, complete_job, fail_job, hand_back
from domain.signals import DeliveriesDue, Signal, topics_of

from .artifact_store import open_store
from .hub import Hub
from .preview import Preview, Subject, render
from .runtime import Runtime
from .subjects import subject_of

# As short as an installation's leases may be, a machine that is busy draws slowly.
LEASE = timedelta(minutes=2)
LARGEST = 64 * 1024 * 1024

log = logging.getLogger("callsheet.previews")


@dataclass(frozen=True, slots=True)
class _Failure:
    """What a job is told of an error, and whether it may have passed by the next attempt."""

    code: str
    told: str
    may_pass: bool


def _failure_of(error: Exception) -> _Failure:
    if isinstance(error, StoreUnavailable):
        return _Failure("store_unavailable", "Its files could not be kept", may_pass=True)
    # A lock that was waited for too long, a deadlock, no connection, a full disk: none is the picture's fault.
    if isinstance(error, SQLAlchemyError | OSError):
        return _Failure("unavailable", "Something that it needs could not be used for a while", may_pass=True)
    return _Failure("preview_failed", "It could not be drawn", may_pass=False)


class _Stopped(BaseException):
    """A drawing is to end where it is. No error, which code that draws might catch."""


class Previews:
    """Draws what is queued."""

    def __init__(self, database: Database, store: ArtifactStore, clock: Clock, terms: JobTerms) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._failures = terms.worker_failures
        self._stopping = self._rendering = False

    def drain(self, seconds: float) -> int:
        """Draw until nothing is queued, for about so long, or until it is stopped; how many were seen through."""
        until, drawn = time.monotonic() + seconds, 0
        while not self._stopping and time.monotonic() < until and self.draw_one():
            drawn += 1
        return drawn

    def stop(self) -> None:
        """Claim no more, and hand back what is being drawn; what is drawn is kept. For a handler of signals, in the
        thread that draws.

        Ten seconds of animation take longer to draw than a program may take to stop.
        """
        self._stopping = True
        if self._rendering:
            self._rendering = False  # a second signal breaks off nothing more
            raise _Stopped

    def is_any_queued(self, before: timedelta) -> bool:
        """Whether one is queued for longer than this."""
        queued = jobs.c.status == "queued"
        chosen = select(jobs.c.id).where(queued, jobs.c.kind == PREVIEW, jobs.c.updated_at <= self._clock() - before)
        with self._database.reading() as session:
            return session.execute(chosen.limit(1)).first() is not None

    def draw_one(self) -> bool:
        """Claim a job and see it through, whatever comes of it. False when none is queued."""
        # Of another name at each attempt: what one failed, another may try.
        ask = Ask(f"previews-{secrets.token_hex(3)}", [PREVIEW], LEASE, self._failures)
        with self._database.transaction() as session:
            claimed = claim_job(session, self._context(), ask)
        if claimed is None:
            return False
        job, token = claimed
        try:
            self._see_through(job, token)
        except _Stopped:
            self._report(job, lambda session, held: hand_back(session, self._context(), held, token))
        except Exception as error:
            # What is wrong may name an address, and everybody who sees the job reads what is told.
            log.exception("the preview %s came to nothing", job["id"])
            self._fail(job, token, _failure_of(error))
        return True

    def _see_through(self, job: Row, token: str) -> None:
        with self._database.reading() as session:
            subject = subject_of(session, job)
        kept = self._kept(job["id"], self._rendered(subject))
        if not self._complete(job["id"], token, kept):
            for each in kept:
                self._store.delete(each.blob)

    def _rendered(self, subject: Subject) -> Preview:
        """Pure, so that it can be broken off anywhere."""
        try:
            self._rendering = True
            if self._stopping:
                raise _Stopped
            return render(subject)
        finally:
            self._rendering = False

    def _kept(self, job_id: str, preview: Preview) -> Sequence[Kept]:
        files = (
            ("storyboard.png", "image/png", preview.picture),
            ("preview.webp", "image/webp", preview.moving),
            ("thumbnail.webp", "image/webp", preview.thumbnail),
        )
        return [write_blob(self._store, job_id, name, kind, [data], LARGEST) for name, kind, data in files]

    def _complete(self, job_id: str, token: str, kept: Sequence[Kept]) -> bool:
        """Whether the files are the job's now; not where it was to be cancelled, or is somebody else's."""
        context = self._context()
        try:
            with self._database.transaction() as session:
                job = find_row(session, jobs, "job", job_id, for_update=True)
                assert job is not None
                if job["cancel_requested"]:
                    fail_job(session, context, job, {"lease_token": token, "error": {"code": CANCELLED}})
                    return False
                for each in kept:
                    keep_artifact(session, context, job, token, each)
                result = {"files": [each.name for each in kept], "bytes": sum(each.size for each in kept)}
                complete_job(session, context, job, {"lease_token": token, "result": result})
        except Conflict as error:
            log.warning("a preview came too late: %s", error)
            return False
        return True

    def _fail(self, job: Row, token: str, failure: _Failure) -> None:
        error = {"code": failure.code, "message": f"{failure.told}; the log says why."}
        given = {"lease_token": token, "error": error, "retryable": failure.may_pass}
        self._report(job, lambda session, held: fail_job(session, self._context(), held, given))

    def _report(self, job: Row, command: Callable[[Session, Row], Row]) -> None:
        """Do this with the job's row, locked, unless the job is somebody else's by now."""
        try:
            with self._database.transaction() as session:
                held = find_row(session, jobs, "job", job["id"], for_update=True)
                if held is not None:
                    command(session, held)
        except Conflict as error:
            log.warning("a preview ended too late: %s", error)

    def _context(self) -> Context:
        return Context(SYSTEM, self._clock())


def previews_of(runtime: Runtime) -> Previews:
    """What draws in this process; what is committed here then rings for its deliveries, too."""
    hub, bell = Hub(runtime.redis), runtime.bell

    def spread(signals: Sequence[Signal]) -> None:
        if DeliveriesDue() in signals:
            bell.ring()
        hub.tell(topics_of(signals))

    settings = runtime.settings
    runtime.database.after_commit = spread
    return Previews(runtime.database, open_store(settings.artifacts), system_clock, JobTerms.of(settings))
