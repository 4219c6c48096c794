"""What has happened to a job, as its events tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select

from ..db import Session
from ..events.models import events

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
    actor: dict[str, Any]
    job: dict[str, Any]


def history_of(session: Session, job_id: str) -> Sequence[Step]:
    """The job's events, the first first. They are gone once events are pruned."""
    chosen = select(events.c.type, events.c.created_at, events.c.actor, events.c.body)
    chosen = chosen.where(events.c.entity_id == job_id).order_by(events.c.seq).limit(MOST)
    found = session.execute(chosen)
    return [
        Step(row.type.rpartition(".")[2], row.created_at, row.actor, orjson.loads(row.body)["data"]) for row in found
    ]
