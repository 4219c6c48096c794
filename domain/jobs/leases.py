"""Leases: a token that only the worker knows, and what becomes of a job whose worker is not heard of any more."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from ..access import SYSTEM
from ..audit.commands import differences, note_action
from ..db import Row, Session, add_up
from ..errors import Conflict
from ..events.commands import Context
from .changing import NO_LEASE, move, system_context
from .dependencies import settle
from .models import RUNNING, job_failures, jobs

# Looked at by one statement: a claim does it beside its own work.
MOST_AT_ONCE = 50


def new_token() -> str:
    """The token of a new lease; the database holds its digest alone."""
    return f"lease_{secrets.token_urlsafe(32)}"


def digest_of(token: str) -> str:
    """What the database holds of a token. It is random, so a plain hash tells nothing of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def require_lease(job: Row, token: str) -> None:
    """Refuse who does not hold the lease of a job (its row, locked by this transaction).

    A lease that has run out holds until somebody notices: until then the job is nobody else's.

    Raises:
        Conflict: the job has ended, or it was given to somebody else or back to the queue.
    """
    held = job["lease_digest"]
    if job["status"] == "running" and held and secrets.compare_digest(held, digest_of(token)):
        return
    raise Conflict(f"This lease is over and the job is `{job['status']}`: drop the work, and claim another job.")


def give_up(session: Session, context: Context, job: Row, error: Mapping[str, Any], *, retryable: bool) -> Row:
    """End an attempt (of a running job, its row locked) that came to nothing: queue the job again, or end it.

    The failure is counted against the worker, too. The row as it is now.
    """
    add_up(session, job_failures, ("job_id", "worker"), [{"job_id": job["id"], "worker": job["worker"], "count": 1}])
    told = {"error": dict(error)}
    if retryable and job["attempts"] - job["attempts_before"] < job["max_attempts"]:
        return queue_again(session, context, job, **told)
    after = move(session, context, job, "failed", **told)
    settle(session, after, context.now)
    return after


def queue_again(session: Session, context: Context, job: Row, **changed: Any) -> Row:
    """Give a running job (its row, locked by this transaction) to whoever claims it next. The row as it is now."""
    return move(session, context, job, "queued", **changed, progress=0, message=None, **NO_LEASE)


def end_cancelled(session: Session, context: Context, job: Row, error: Mapping[str, Any] | None = None) -> Row:
    """Cancel a running job (its row, locked by this transaction) that its worker has let go of. The row as it is."""
    after = move(session, context, job, "cancelled", error=None if error is None else dict(error))
    settle(session, after, context.now)
    return after


def expire_leases(session: Session, now: datetime) -> int:
    """Take back jobs whose leases have run out, some at a time: cancelled where that was asked for, else queued again,
    or failed with `lease_expired` when no attempt is left. How many they were.
    """
    overdue = select(jobs).where(RUNNING, jobs.c.lease_expires_at <= now)
    chosen = overdue.order_by(jobs.c.lease_expires_at).limit(MOST_AT_ONCE).with_for_update(skip_locked=True)
    found = [dict(row) for row in session.execute(chosen).mappings()]
    context = system_context(now)
    for job in found:
        if job["cancel_requested"]:
            after = end_cancelled(session, context, job)
        else:
            message = f"The worker {job['worker']} was not heard of for as long as its lease was."
            after = give_up(session, context, job, {"code": "lease_expired", "message": message}, retryable=True)
        told = {"id": job["id"], "worker": job["worker"], **differences(_status(job), _status(after))}
        note_action(session, SYSTEM, "system", "job.expire", now, changes=told)
    return len(found)


def _status(job: Row) -> dict[str, Any]:
    return {"status": job["status"]}
