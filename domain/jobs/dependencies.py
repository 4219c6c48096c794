"""What a job waits for: checked when it is named, and settled when it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from ..access import Actor
from ..db import Row, Session
from ..errors import FieldError
from ..inserting import insert_new_rows
from .changing import NO_LEASE, system_context, tell, write_change
from .models import BROKEN, job_dependencies, jobs

MOST_DEPENDENCIES = 100
_JOB, _NEEDED = job_dependencies.c.job_id, job_dependencies.c.depends_on_id


def check_dependencies(
    session: Session, actor: Actor, project_id: str, wanted: Sequence[str]
) -> tuple[list[FieldError], str]:
    """The mistakes in a list of jobs to wait for, and the status of who waits for them: `waiting`, or `queued`.

    They are locked until the transaction ends: none ends without seeing who waits for it.
    """
    if len(wanted) > MOST_DEPENDENCIES:
        return [FieldError("/depends_on", "length", f"Name at most {MOST_DEPENDENCIES} jobs.")], "waiting"
    if not wanted:
        return [], "queued"
    chosen = select(jobs.c.id, jobs.c.status).where(jobs.c.id.in_(sorted(wanted)), jobs.c.project_id == project_id)
    locked = chosen.order_by(jobs.c.id).with_for_update(read=True)
    found = {row.id: row.status for row in session.execute(locked)} if actor.sees(project_id) else {}
    errors = [mistake for index, job_id in enumerate(wanted) if (mistake := _mistake(index, job_id, found))]
    return errors, "queued" if all(status == "succeeded" for status in found.values()) else "waiting"


def _mistake(index: int, job_id: str, found: Mapping[str, str]) -> FieldError | None:
    if job_id not in found:
        message = f"There is no job {job_id[:40]!r} in this project that this caller can see."
        return FieldError(f"/depends_on/{index}", "unknown", message)
    if found[job_id] in BROKEN:
        message = f"The job {job_id} is {found[job_id]}: retry it first, or leave it out."
        return FieldError(f"/depends_on/{index}", "state", message)
    return None


def write_dependencies(session: Session, job_id: str, wanted: Sequence[str], *, is_new: bool = False) -> None:
    """Put these in place of what the job waits for."""
    if not is_new:
        session.execute(delete(job_dependencies).where(job_dependencies.c.job_id == job_id))
    if wanted:
        rows = [{"job_id": job_id, "depends_on_id": needed} for needed in wanted]
        insert_new_rows(session, job_dependencies, rows, ("job_id",))


def find_cycle(session: Session, job_id: str, wanted: Sequence[str]) -> list[str] | None:
    """The ids of jobs that would wait for each other in a ring, beginning and ending with this one."""
    reached = select(_JOB, _NEEDED).where(_JOB.in_(sorted(wanted))).cte("reached", recursive=True)
    further = select(_JOB, _NEEDED).join(reached, reached.c.depends_on_id == _JOB)
    needs: dict[str, list[str]] = {job_id: list(wanted)}
    for row in session.execute(select(reached.union(further))):
        needs.setdefault(row.job_id, []).append(row.depends_on_id)
    paths, seen = [[job_id]], set[str]()
    while paths:
        path = paths.pop()
        for needed in needs.get(path[-1], ()):
            if needed == job_id:
                return [*path, needed]
            if needed not in seen:
                seen.add(needed)
                paths.append([*path, needed])
    return None


def settle(session: Session, ended: Row, now: datetime) -> None:
    """A job has ended, in this transaction: queue what waited for it alone, or fail it, and what waits for that."""
    level: list[Row] = [ended]
    while level:
        broken = {row["id"]: row["status"] for row in level if row["status"] in BROKEN}
        waiting = _waiting_for(session, [row["id"] for row in level])
        if broken:
            level = _fail(session, waiting, broken, now)
        else:
            blocked = _blocked(session, [row["id"] for row in waiting])
            for row in waiting:
                if row["id"] not in blocked:
                    write_change(session, row, {"status": "queued"}, now)
            level = []


def _waiting_for(session: Session, ids: Sequence[str]) -> list[Row]:
    """Locked: of two that end at one moment, the later sees what the earlier did."""
    named = select(_JOB).where(_NEEDED.in_(sorted(ids)))
    chosen = select(jobs).where(jobs.c.id.in_(named), jobs.c.status == "waiting").order_by(jobs.c.id)
    return [dict(row) for row in session.execute(chosen.with_for_update()).mappings()]


def _blocked(session: Session, ids: Sequence[str]) -> set[str]:
    """Those of these jobs that wait for something else."""
    if not ids:
        return set()
    unmet = select(_JOB).join(jobs, jobs.c.id == _NEEDED).where(_JOB.in_(ids), jobs.c.status != "succeeded")
    return set(session.execute(unmet).scalars())


def _fail(session: Session, waiting: Sequence[Row], broken: Mapping[str, str], now: datetime) -> list[Row]:
    moved: list[tuple[str | None, Row]] = []
    for row in waiting:
        # None where it was told meanwhile, before it was locked, to wait for something else.
        needed = next((job_id for job_id in row["depends_on"] if job_id in broken), None)
        if needed is None:
            continue
        message = f"The job {needed}, which this one needs, {_ended(broken[needed])}."
        error = {"code": "dependency_failed", "message": message}
        changed: dict[str, Any] = {"status": "failed", "error": error, "finished_at": now, **NO_LEASE}
        moved.append((row["status"], write_change(session, row, changed, now)))
    tell(session, system_context(now), moved)
    return [after for _, after in moved]


def _ended(status: str) -> str:
    return "failed" if status == "failed" else "was cancelled"
