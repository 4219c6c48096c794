"""Reads of takes: lists, and the form that every door shows."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Select, func, select

from ..artifacts.models import artifacts
from ..artifacts.queries import artifacts_by_id
from ..artifacts.rules import SHOWN
from ..clock import rfc3339
from ..db import Row, Session
from ..errors import NotFound
from ..finding import InProject, find_row
from ..jobs.models import jobs
from ..list_spec import ListSpec, Reference, Sortable
from .models import takes

_FILTERS = ("id", "project_id", "target_object", "target_id", "number", "job_id", "kind", "created_at", "updated_at")
_SHOWN = (
    *("id", "object", "project_id", "target", "number", "job_id", "kind", "params", "cost", "thumbnail_id", "media_id"),
    *("submitted_by", "created_at", "updated_at", "version"),
)
TAKES = ListSpec(
    takes.c.id,
    Sortable.from_columns({name: takes.c[name] for name in _FILTERS}, target_object=("character", "scene", "segment")),
    "-number",
    shown=_SHOWN,
    references={
        "target": Reference("target_id", object_column="target_object"),
        "project": Reference("project_id", "project"),
    },
)


_NUMBER = re.compile(r"[1-9][0-9]{0,8}")  # a column of integers holds no larger one
TAKE = InProject("take", "tak", takes)


ALL_TAKES = select(takes)


def takes_of(target_id: str) -> Select[Any]:
    """The takes of one character, scene or segment."""
    return ALL_TAKES.where(takes.c.target_id == target_id)


def numbered_take(session: Session, target_id: str, number: str) -> Row:
    """The take of a character, scene or segment with this number, as an address names it.

    Raises:
        NotFound: it has none.
    """
    found = None
    if _NUMBER.fullmatch(number):
        found = session.execute(takes_of(target_id).where(takes.c.number == int(number))).mappings().first()
    if found is None:
        raise NotFound(f"There is no take {number[:40]!r} of it.")
    return found


def take_of(session: Session, target_id: str, take_id: str) -> Row | None:
    """The take with this id, where it is one of this character, scene or segment."""
    take = find_row(session, takes, TAKE.prefix, take_id)
    return take if take is not None and take["target_id"] == target_id else None


def files_of(job_id: str) -> Select[Any]:
    """The files of the take that this job makes or made: those of its last attempt, by name.

    What an attempt left that failed stays among the job's artifacts, and was never offered as its work.
    """
    last = (artifacts.c.job_id == jobs.c.id) & (artifacts.c.attempt == jobs.c.attempts)
    return select(artifacts).join(jobs, last).where(jobs.c.id == job_id).order_by(artifacts.c.name)


def latest_takes(session: Session, target_id: str, limit: int) -> Sequence[Row]:
    """Its newest takes, the newest first."""
    return session.execute(takes_of(target_id).order_by(takes.c.number.desc()).limit(limit)).mappings().all()


def thumbnails_of(session: Session, rows: Sequence[Row]) -> dict[str, Row]:
    """The artifact that stands for each of these takes, by the take's id; one statement."""
    found = artifacts_by_id(session, {row["thumbnail_id"] for row in rows} - {None})
    return {row["id"]: found[row["thumbnail_id"]] for row in rows if row["thumbnail_id"] in found}


def thumbnails_by_target(session: Session, target_ids: Collection[str]) -> dict[str, Row]:
    """The picture of the newest take of each of these characters, scenes or segments that has one; one statement."""
    if not target_ids:
        return {}
    mine = takes.c.target_id.in_(sorted(target_ids))
    last = select(takes.c.target_id, func.max(takes.c.number).label("number")).where(mine).group_by(takes.c.target_id)
    newest = last.subquery()
    chosen = (
        select(takes.c.target_id, artifacts)
        .join(newest, (takes.c.target_id == newest.c.target_id) & (takes.c.number == newest.c.number))
        .join(artifacts, (artifacts.c.id == takes.c.thumbnail_id) & artifacts.c.media_type.in_(sorted(SHOWN)))
    )
    return {row["target_id"]: row for row in session.execute(chosen).mappings()}


def numbers_of(session: Session, ids: Collection[str]) -> dict[str, int]:
    """The numbers of takes, by their ids."""
    if not ids:
        return {}
    chosen = select(takes.c.id, takes.c.number).where(takes.c.id.in_(sorted(ids)))
    return {row.id: row.number for row in session.execute(chosen)}


def represent_take(row: Row) -> dict[str, Any]:
    """The take as the API shows it."""
    return {
        "id": row["id"],
        "object": "take",
        "project_id": row["project_id"],
        "target": {"object": row["target_object"], "id": row["target_id"]},
        **{name: row[name] for name in _SHOWN[4:12]},
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "version": row["version"],
    }
