"""What has happened to a job, as its events tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select

from ..access import SYSTEM
from ..db import Row, Session
from ..events.models import events
from .queries import represent_job

MOST = 100


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a job.

    Attributes:
        verb: the last word of its type, such as `started`.
        actor: who did it: `type`, `id`, `name`.
        job: the job as it was then; empty where the event kept only a link to it.
    """

    verb: str
    at: datetime
    actor: Mapping[str, Any]
    job: Mapping[str, Any]


def history_of(session: Session, job: Row) -> Sequence[Step]:
    """The job's events, the first first; where they are no longer kept, what its row knows of them."""
    chosen = select(events.c.type, events.c.created_at, events.c.actor, events.c.body)
    chosen = chosen.where(events.c.entity_id == job["id"]).order_by(events.c.seq).limit(MOST)
    found = session.execute(chosen).all()
    if not found or found[0].type != "job.submitted":
        return _from_row(job)
    return [
        Step(row.type.rpartition(".")[2], row.created_at, row.actor, orjson.loads(row.body)["data"]) for row in found
    ]


def _from_row(job: Row) -> Sequence[Step]:
    nobody, shown = SYSTEM.as_data(), represent_job(job)
    steps = [Step("submitted", job["created_at"], job["submitted_by"], {})]
    if job["started_at"] is not None:
        steps.append(Step("started", job["started_at"], nobody, {**shown, "error": None}))
    if job["finished_at"] is not None:
        ended = "completed" if job["status"] == "succeeded" else job["status"]
        steps.append(Step(ended, job["finished_at"], nobody, shown))
    return steps
