"""Reads of jobs: lists, and the form that every door shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select

from ..access import Actor
from ..clock import rfc3339
from ..db import Row, Session
from ..finding import InProject
from ..list_spec import ListSpec, Reference, Sortable
from .models import ENDED, STATUSES, jobs

_FILTERS = (
    *("id", "project_id", "kind", "status", "target_object", "target_id", "priority", "attempts", "worker"),
    *("created_at", "updated_at", "started_at", "finished_at"),
)
_SHOWN = (
    *("id", "object", "project_id", "kind", "target", "params", "priority", "status", "progress", "message", "result"),
    *("error", "attempts", "max_attempts", "depends_on", "cost", "cancel_requested", "worker", "submitted_by"),
    *("started_at", "finished_at", "created_at", "updated_at", "version"),
)
# Progress cannot be asked for: a page of what changes many times a minute would be out of date on its way.
JOBS = ListSpec(
    jobs.c.id,
    Sortable.from_columns(
        {name: jobs.c[name] for name in _FILTERS}, status=STATUSES, target_object=("character", "scene", "segment")
    ),
    "-created_at",
    shown=_SHOWN,
    references={
        "target": Reference("target_id", object_column="target_object"),
        "project": Reference("project_id", "project"),
    },
)


ALL_JOBS = select(jobs)


JOB = InProject("job", "job", jobs)


def visible_jobs(actor: Actor) -> Select[Any]:
    """The jobs that the actor sees."""
    if actor.project_ids is None:
        return ALL_JOBS
    return ALL_JOBS.where(jobs.c.project_id.in_(sorted(actor.project_ids)))


def jobs_of(entity: str, entity_id: str) -> Select[Any]:
    """The jobs of a project, or for a character, scene or segment."""
    column = jobs.c.project_id if entity == "project" else jobs.c.target_id
    return ALL_JOBS.where(column == entity_id)


def jobs_under_way(session: Session, target_id: str, limit: int) -> Sequence[Row]:
    """The newest jobs for a character, scene or segment that have not ended, the newest first."""
    mine = ALL_JOBS.where(jobs.c.target_id == target_id, jobs.c.status.not_in(ENDED))
    return session.execute(mine.order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(limit)).mappings().all()


def represent_job(row: Row) -> dict[str, Any]:
    """The job as the API, the webhooks and the feed show it. What tells of its lease is not in it."""
    data = {"id": row["id"], "object": "job"}
    for name in _SHOWN[2:]:
        data[name] = _target(row) if name == "target" else row[name]
    for name in ("started_at", "finished_at", "created_at", "updated_at"):
        data[name] = rfc3339(data[name]) if data[name] is not None else None
    data["cancel_requested"] = bool(row["cancel_requested"])
    return data


def _target(row: Row) -> dict[str, str]:
    return {"object": row["target_object"], "id": row["target_id"]}
