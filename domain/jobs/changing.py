"""Writing a change of a job: its row, the event that tells of it, and word to whoever waits for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..access import SYSTEM
from ..db import Row, Session, signal_after_commit
from ..events.commands import Context, Happening, record_events
from ..prepared import update_row
from ..signals import Changed
from .models import ENDED, jobs
from .queries import represent_job

# The event that tells of each status. That a job waits or is queued again is told by none but its submission.
_VERBS = {"running": "started", "succeeded": "completed", "failed": "failed", "cancelled": "cancelled"}
NO_LEASE: dict[str, Any] = {"lease_digest": None, "lease_expires_at": None}


def write_change(session: Session, job: Row, changed: Mapping[str, Any], now: datetime) -> Row:
    """UPDATE a job (its row, locked by this transaction): its version goes up. The row as it is now."""
    values = {**changed, "updated_at": now, "version": job["version"] + 1}
    update_row(session, jobs, job["id"], values)
    after = {**job, **values}
    wake(session, after)
    return after


def queue_topic(kind: str) -> str:
    """What a worker waits for that can do this kind: see `signals.Changed`."""
    return f"jobs:{kind}"


def wake(session: Session, job: Row) -> None:
    """After the commit, call whoever waits for this job to change, or for a job of its kind."""
    signal_after_commit(session, Changed(job["id"]))
    if job["status"] == "queued":
        signal_after_commit(session, Changed(queue_topic(job["kind"])))


def move(session: Session, context: Context, job: Row, status: str, **changed: Any) -> Row:
    """Move a job (its row, locked by this transaction) to another status, and tell of it. The row as it is now."""
    ending = {"finished_at": context.now, **NO_LEASE} if status in ENDED else {}
    after = write_change(session, job, {"status": status, **ending, **changed}, context.now)
    tell(session, context, [(job["status"], after)])
    return after


def tell(session: Session, context: Context, moved: Sequence[tuple[str | None, Row]]) -> None:
    """Record the events of jobs that moved, each with its status before; None for one that is new."""
    told = [
        Happening(f"job.{verb}", after["project_id"], represent_job(after), _changes(before, after["status"]))
        for before, after in moved
        if (verb := _verb(before, after["status"])) is not None
    ]
    if told:
        record_events(session, context, told)


def _verb(before: str | None, status: str) -> str | None:
    """What is submitted is new, or is retried after it had ended."""
    return _VERBS.get(status) or ("submitted" if before is None or before in ENDED else None)


def _changes(before: str | None, status: str) -> Mapping[str, Any]:
    return {} if before is None else {"status": {"from": before, "to": status}}


def system_context(now: datetime) -> Context:
    """Of what happens by itself: a lease runs out, a dependency ends."""
    return Context(SYSTEM, now)
