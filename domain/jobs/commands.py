"""What people and scripts do to jobs: submit, change, cancel, retry. Workers do the rest (`claiming`, `working`)."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from sqlalchemy import delete

from ..access import Permission
from ..db import Row, Session
from ..entities import Kind
from ..entity_commands import Expected, require_expected
from ..errors import Conflict, FieldError, Invalid, NotFound
from ..events.commands import Context
from ..finding import find_row
from ..ids import new_id
from ..inserting import Insert
from ..projects.models import PROJECTS
from ..studio import ASSETS, BY_OBJECT
from .changing import move, tell, wake, write_change
from .dependencies import check_dependencies, find_cycle, settle, write_dependencies
from .kinds import JobKinds
from .models import BROKEN, PENDING, job_failures, jobs
from .rules import DEFAULT_ATTEMPTS, DEFAULT_PRIORITY, check_document, check_numbers

_INSERT = Insert(jobs, itemgetter)
_FRESH: dict[str, Any] = {
    **dict.fromkeys(("message", "result", "error", "cost", "worker", "lease_digest", "lease_expires_at")),
    **dict.fromkeys(("started_at", "finished_at")),
    **dict.fromkeys(("progress", "attempts", "attempts_before"), 0),
    "cancel_requested": False,
}


def submit_job(session: Session, context: Context, kinds: JobKinds, given: Mapping[str, Any]) -> Row:
    """Submit a job for a character, scene or segment: queued, or waiting for others of its project.

    Args:
        given: `kind`, `target` (`object`, `id`), and what differs from the defaults of `params`, `priority`,
            `max_attempts`, `depends_on`.

    Raises:
        Forbidden: the actor may not.
        Invalid: fields that break a rule, each named.
        Conflict: the target or its project is archived.
    """
    context.actor.require(Permission.SUBMIT_JOBS)
    params, depends_on = given.get("params") or {}, list(dict.fromkeys(given.get("depends_on") or ()))
    errors = check_numbers(given) + check_document("params", params)
    kind = kinds.get(given["kind"])
    errors += [kinds.unknown("/kind", given["kind"])] if kind is None else kind.check(params)
    target, mistakes = _target(session, context, given["target"])
    errors += mistakes
    status = "queued"
    if target is not None:
        mistakes, status = check_dependencies(session, context.actor, target["project_id"], depends_on)
        errors += mistakes
    if errors or target is None:
        raise Invalid(*errors)
    _require_active(session, given["target"]["object"], target)
    row = {
        "id": new_id("job"), "project_id": target["project_id"], "kind": given["kind"],
        "target_object": given["target"]["object"], "target_id": target["id"], "params": params,
        "priority": given.get("priority", DEFAULT_PRIORITY), "status": status,
        "max_attempts": given.get("max_attempts", DEFAULT_ATTEMPTS), "depends_on": depends_on,
        "submitted_by": context.actor.as_data(), **_FRESH,
        "created_at": context.now, "updated_at": context.now, "version": 1,
    }  # fmt: skip
    _INSERT.run(session, [row])
    write_dependencies(session, row["id"], depends_on, is_new=True)
    wake(session, row)
    tell(session, context, [(None, row)])
    return row


def _target(session: Session, context: Context, named: Mapping[str, str]) -> tuple[Row | None, list[FieldError]]:
    kind: Kind | None = BY_OBJECT.get(named["object"])
    if kind not in ASSETS or kind is None:
        words = ", ".join(asset.object for asset in ASSETS)
        return None, [FieldError("/target/object", "unknown", f"A job is for one of {words}.")]
    try:
        return kind.load(session, context.actor, named["id"]), []
    except NotFound as error:
        return None, [FieldError("/target/id", "unknown", str(error))]


def _require_active(session: Session, word: str, target: Row) -> None:
    project = find_row(session, PROJECTS.table, PROJECTS.prefix, target["project_id"])
    archived = word if target["status"] == "archived" else "project"
    if target["status"] == "archived" or (project is not None and project["status"] == "archived"):
        raise Conflict(f"The {archived} is archived: nothing can be made for it.")


def change_job(
    session: Session, context: Context, job: Row, given: Mapping[str, Any], expected: Expected = None
) -> Row:
    """Change `priority` or `depends_on` of a job (its row, locked by this transaction) that nobody works on yet.

    Raises:
        Forbidden: the actor may not.
        Stale: the job's version is not an expected one.
        Invalid: a number out of range, a job that there is not, or jobs that would wait for each other.
        Conflict: it has begun or ended.
    """
    context.actor.require(Permission.SUBMIT_JOBS)
    if errors := check_numbers(given):
        raise Invalid(*errors)
    changed: dict[str, Any] = {**given}
    if "depends_on" in given:
        changed["depends_on"] = list(dict.fromkeys(given["depends_on"]))
        # Two changes that are each right could make a ring together: one after the other.
        find_row(session, PROJECTS.table, PROJECTS.prefix, job["project_id"], for_update=True)
        changed["status"] = _status_after(session, context, job, changed["depends_on"])
    require_expected("job", job, expected)
    if job["status"] not in PENDING:
        raise Conflict(f"This job is `{job['status']}`: only one that waits or is queued can be changed.")
    if all(job[name] == value for name, value in changed.items()):
        return job
    if "depends_on" in changed:
        write_dependencies(session, job["id"], changed["depends_on"])
    return write_change(session, job, changed, context.now)


def _status_after(session: Session, context: Context, job: Row, wanted: list[str]) -> str:
    ring = find_cycle(session, job["id"], wanted)
    if ring is not None:
        message = f"These jobs would wait for each other: {' → '.join(ring)}."
        raise Invalid(FieldError(f"/depends_on/{wanted.index(ring[1])}", "cycle", message))
    errors, status = check_dependencies(session, context.actor, job["project_id"], wanted)
    if errors:
        raise Invalid(*errors)
    return status


def cancel_job(session: Session, context: Context, job: Row) -> Row:
    """Cancel a job (its row, locked by this transaction): at once, or by asking its worker, who hears at its next call.

    Raises:
        Forbidden: the actor may not.
        Conflict: it has ended.
    """
    context.actor.require(Permission.SUBMIT_JOBS)
    if job["status"] in PENDING:
        after = move(session, context, job, "cancelled")
        settle(session, after, context.now)
        return after
    if job["status"] != "running":
        raise Conflict(f"This job is `{job['status']}`: only one that has not ended can be cancelled.", [])
    if job["cancel_requested"]:
        return job
    return write_change(session, job, {"cancel_requested": True}, context.now)


def retry_job(session: Session, context: Context, job: Row) -> Row:
    """Queue a job (its row, locked by this transaction) that failed or was cancelled: any worker may try it again.

    Its attempts are counted on, and as many as `max_attempts` may follow.

    Raises:
        Forbidden: the actor may not.
        Conflict: it is in another state, its target or project is archived, or a job that it needs failed or was
            cancelled.
    """
    context.actor.require(Permission.SUBMIT_JOBS)
    if job["status"] not in BROKEN:
        raise Conflict(f"This job is `{job['status']}`: only one that failed or was cancelled can be retried.", [])
    check_target(session, job)
    errors, status = check_dependencies(session, context.actor, job["project_id"], job["depends_on"])
    if errors:
        raise Conflict(errors[0].message)
    session.execute(delete(job_failures).where(job_failures.c.job_id == job["id"]))
    counted = {"attempts": job["attempts"], "attempts_before": job["attempts"]}
    return move(session, context, job, status, **{**_FRESH, **counted})


def check_target(session: Session, job: Row) -> None:
    """Refuse to go on with a job whose target has been archived.

    Raises:
        Conflict: the target is, or its project.
    """
    kind = BY_OBJECT[job["target_object"]]
    target = find_row(session, kind.table, kind.prefix, job["target_id"])
    assert target is not None  # what is archived stays
    _require_active(session, kind.object, target)
