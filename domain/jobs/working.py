"""What a worker says of the job it holds: that it lives, how far it is, how it ended. All of it needs the lease."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ..access import Permission
from ..db import Row, Session
from ..errors import FieldError, Invalid
from ..events.commands import Context
from ..prepared import update_row
from ..takes.commands import record_take
from .changing import move, write_change
from .costs import check_cost
from .dependencies import settle
from .leases import end_cancelled, give_up, queue_again, require_lease
from .models import jobs
from .rules import check_document

LONGEST_MESSAGE = 2000
LONGEST_CODE = 60
CANCELLED = "cancelled"


def heartbeat(session: Session, context: Context, job: Row, given: Mapping[str, Any], lease: timedelta) -> datetime:
    """Renew the lease of a job (its row, locked by this transaction), and note `progress` and `message` where they are
    given. When it runs out now.

    Raises:
        Forbidden: the actor may not.
        Conflict: `lease_token` is not that of its lease.
        Invalid: progress outside of 0 to 100, or too long a message.
    """
    context.actor.require(Permission.WORK_JOBS)
    progress, message = given.get("progress"), given.get("message")
    if errors := _check_progress(progress, message):
        raise Invalid(*errors)
    require_lease(job, given["lease_token"])
    told = {name: value for name, value in (("progress", progress), ("message", message)) if value is not None}
    changed = {name: value for name, value in told.items() if job[name] != value}
    until = context.now + lease
    if changed:
        write_change(session, job, {**changed, "lease_expires_at": until}, context.now)
    else:  # nothing that anybody is shown has changed
        update_row(session, jobs, job["id"], {"lease_expires_at": until})
    return until


def _check_progress(progress: float | None, message: str | None) -> list[FieldError]:
    errors = []
    if progress is not None and not 0 <= progress <= 100:
        errors.append(FieldError("/progress", "range", "Give the progress in percent, from 0 to 100."))
    if message is not None and len(message) > LONGEST_MESSAGE:
        errors.append(FieldError("/message", "length", f"Keep the message to {LONGEST_MESSAGE:,} characters."))
    return errors


def complete_job(session: Session, context: Context, job: Row, given: Mapping[str, Any]) -> Row:
    """The job (its row, locked by this transaction) is done, with `result` and `cost`; what waits for it goes on.

    Its files, if it has some, become a take of its target.

    Raises:
        Forbidden: the actor may not.
        Conflict: `lease_token` is not that of its lease.
        Invalid: a cost that cannot be, or too large a result.
    """
    context.actor.require(Permission.WORK_JOBS)
    if errors := check_cost(given.get("cost")) + check_document("result", given.get("result")):
        raise Invalid(*errors)
    require_lease(job, given["lease_token"])
    done = {"result": given.get("result"), "cost": given.get("cost"), "progress": 100, "error": None}
    after = move(session, context, job, "succeeded", **done)
    record_take(session, context, after)
    settle(session, after, context.now)
    return after


def fail_job(session: Session, context: Context, job: Row, given: Mapping[str, Any]) -> Row:
    """The attempt failed: the job (its row, locked by this transaction) is queued again while attempts are left, unless
    `retryable` is false. Where it was to be cancelled, or `error` has the code `cancelled`, it is cancelled.

    Raises:
        Forbidden: the actor may not.
        Conflict: `lease_token` is not that of its lease.
        Invalid: an error without a code, or too long a one.
    """
    context.actor.require(Permission.WORK_JOBS)
    error = {"code": given["error"]["code"], "message": given["error"].get("message", "")}
    if errors := _check_error(error):
        raise Invalid(*errors)
    require_lease(job, given["lease_token"])
    if job["cancel_requested"] or error["code"] == CANCELLED:
        return end_cancelled(session, context, job, error)
    return give_up(session, context, job, error, retryable=given.get("retryable", True))


def hand_back(session: Session, context: Context, job: Row, token: str) -> Row:
    """Queue a job (its row, locked by this transaction) again whose worker stops: one more attempt may follow in place
    of this one, which found out nothing. Where it was to be cancelled, it is cancelled.

    Raises:
        Forbidden: the actor may not.
        Conflict: `token` is not that of its lease.
    """
    context.actor.require(Permission.WORK_JOBS)
    require_lease(job, token)
    if job["cancel_requested"]:
        return end_cancelled(session, context, job)
    return queue_again(session, context, job, attempts_before=job["attempts_before"] + 1)


def _check_error(error: Mapping[str, str]) -> list[FieldError]:
    errors = []
    if not error["code"].strip() or len(error["code"]) > LONGEST_CODE:
        errors.append(FieldError("/error/code", "length", f"Give a code of 1 to {LONGEST_CODE} characters."))
    if len(error["message"]) > LONGEST_MESSAGE:
        errors.append(FieldError("/error/message", "length", f"Keep the message to {LONGEST_MESSAGE:,} characters."))
    return errors
