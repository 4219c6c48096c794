"""Giving a queued job to a worker, under a lease: the highest priority first, then the oldest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, select, update

from ..access import Permission
from ..db import Row, Session
from ..errors import FieldError, Invalid
from ..events.commands import Context
from .changing import tell, wake
from .kinds import JobKinds
from .leases import digest_of, expire_leases, new_token
from .models import QUEUED, job_failures, jobs

LONGEST_WORKER = 100
MOST_KINDS_ASKED = 50


@dataclass(frozen=True, slots=True)
class Ask:
    """What a worker asks for.

    Attributes:
        kinds: those that it can do.
        lease: how long it may be silent.
        worker_failures: it is not given what it failed so often.
    """

    worker: str
    kinds: Sequence[str]
    lease: timedelta
    worker_failures: int


def check_ask(kinds: JobKinds, worker: str, wanted: Sequence[str]) -> None:
    """Refuse what no farm may claim.

    Raises:
        Invalid: no name, no kind, kinds that there are not, or that are done by Callsheet itself.
    """
    errors = []
    if not worker.strip() or len(worker) > LONGEST_WORKER:
        errors.append(FieldError("/worker", "length", f"Name the worker, in 1 to {LONGEST_WORKER} characters."))
    if not 1 <= len(wanted) <= MOST_KINDS_ASKED:
        errors.append(FieldError("/kinds", "length", f"Name 1 to {MOST_KINDS_ASKED} kinds."))
    for index, name in enumerate(wanted):
        if name not in kinds:
            errors.append(kinds.unknown(f"/kinds/{index}", name))
        elif kinds[name].built_in:
            message = f"`{name}` is done by Callsheet itself and is given to no farm."
            errors.append(FieldError(f"/kinds/{index}", "built_in", message))
    if errors:
        raise Invalid(*errors)


def claim_job(session: Session, context: Context, ask: Ask) -> tuple[Row, str] | None:
    """Give the actor a job that it sees: its row, running, and the lease's token. None when there is none.

    An attempt counts from its claim, so a job that kills its worker does not live for ever. On PostgreSQL many claim
    at once and none waits for another; on SQLite one writer is at work anyway.

    Raises:
        Forbidden: the actor may not.
    """
    context.actor.require(Permission.WORK_JOBS)
    expire_leases(session, context.now)
    token = new_token()
    chosen = select(jobs.c.id).where(*_claimable(context, ask)).order_by(jobs.c.priority.desc(), jobs.c.id).limit(1)
    taken = {
        "status": "running", "worker": ask.worker, "attempts": jobs.c.attempts + 1, "version": jobs.c.version + 1,
        "progress": 0, "message": None, "started_at": context.now, "updated_at": context.now,
        "lease_digest": digest_of(token), "lease_expires_at": context.now + ask.lease,
    }  # fmt: skip
    locked = chosen.with_for_update(skip_locked=True).scalar_subquery()
    claimed = update(jobs).where(jobs.c.id == locked).values(taken).returning(*jobs.c)
    row = session.execute(claimed).mappings().first()
    if row is None:
        return None
    wake(session, row)
    tell(session, context, [("queued", dict(row))])
    return dict(row), token


def _claimable(context: Context, ask: Ask) -> list[ColumnElement[bool]]:
    given_up = exists().where(
        job_failures.c.job_id == jobs.c.id,
        job_failures.c.worker == ask.worker,
        job_failures.c.count >= ask.worker_failures,
    )
    seen: Any = context.actor.project_ids
    scoped = [] if seen is None else [jobs.c.project_id.in_(sorted(seen))]
    return [QUEUED, jobs.c.kind.in_(sorted(set(ask.kinds))), *scoped, ~given_up]
