"""What has happened to a job, as its events tell, and the audit where it was to be cancelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import Select, Text, cast, select

from ..access import SYSTEM
from ..audit.models import api_audit_log as log
from ..audit.queries import names_of
from ..db import Row, Session
from ..events.models import events
from .models import ENDED
from .queries import represent_job

MOST = 100
_CANCEL = "/api/v1/jobs/{id}/cancel"


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a job, or the word to its worker to stop.

    Attributes:
        verb: the last word of its type, such as `started`; `cancel_requested`.
        actor: who did it: `type`, `id`, `name`.
        job: the job as it was then; empty where that was not kept, or only a link to it.
    """

    verb: str
    at: datetime
    actor: Mapping[str, Any]
    job: Mapping[str, Any]


def history_of(session: Session, job: Row) -> Sequence[Step]:
    """The job's events, the first first; where they are no longer kept, what its row knows of them. Whoever asked its
    worker to stop stands among them: the last event names the worker alone.
    """
    steps, asked = _events_of(session, job), _cancellation_of(session, job)
    if asked is not None:
        # Nothing is told between this and the end.
        steps.insert(len(steps) - (job["status"] in ENDED), Step("cancel_requested", *asked, {}))
    return steps


def _events_of(session: Session, job: Row) -> list[Step]:
    chosen = select(events.c.type, events.c.created_at, events.c.actor, events.c.body)
    chosen = chosen.where(events.c.entity_id == job["id"]).order_by(events.c.seq).limit(MOST)
    found = session.execute(chosen).all()
    if not found or found[0].type != "job.submitted":
        return _from_row(job)
    return [
        Step(row.type.rpartition(".")[2], row.created_at, row.actor, orjson.loads(row.body)["data"]) for row in found
    ]


def _from_row(job: Row) -> list[Step]:
    nobody, shown = SYSTEM.as_data(), represent_job(job)
    steps = [Step("submitted", job["created_at"], job["submitted_by"], {})]
    if job["started_at"] is not None:
        steps.append(Step("started", job["started_at"], nobody, {**shown, "error": None}))
    if job["finished_at"] is not None:
        ended = "completed" if job["status"] == "succeeded" else job["status"]
        steps.append(Step(ended, job["finished_at"], nobody, shown))
    return steps


def _cancellation_of(session: Session, job: Row) -> tuple[datetime, Mapping[str, Any]] | None:
    """When the worker of this job was asked to stop, and by whom: `type`, `id`, `name`; None where nobody did, or where
    no entry of the portal or of the endpoint tells of it. No event does: the audit has it, while it is kept.
    """
    if not job["cancel_requested"] or job["started_at"] is None:
        return None
    found = [row for chosen in _requests(job) if (row := session.execute(chosen).mappings().first()) is not None]
    if not found:
        return None
    first = min(found, key=itemgetter("at"))
    kind, who = ("user", first["user_id"]) if first["user_id"] is not None else ("api_key", first["key_id"])
    return first["at"], {"type": kind, "id": who, "name": names_of(session, [first]).get(who, who)}


def _requests(job: Row) -> tuple[Select[Any], Select[Any]]:
    """The first of either door since its worker began: those that follow asked for what was asked for already."""
    since = select(log.c.at, log.c.user_id, log.c.key_id).where(log.c.at >= job["started_at"])
    first = since.order_by(log.c.at, log.c.id).limit(1)
    in_portal = first.where(log.c.action == "job.cancel", cast(log.c.changes, Text).contains(job["id"]))
    path = _CANCEL.replace("{id}", job["id"])
    return in_portal, first.where(log.c.route == _CANCEL, log.c.path == path, log.c.status_code == 200)
