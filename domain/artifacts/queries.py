"""Reads of artifacts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Select, select

from ..clock import rfc3339
from ..db import Row, Session
from ..errors import NotFound
from ..list_spec import ListSpec, Reference, Sortable
from .models import artifacts

_FILTERS = ("id", "job_id", "name", "media_type", "size", "sha256", "attempt", "created_at", "updated_at")
_SHOWN = (
    *("id", "object", "project_id", "job_id", "name", "media_type", "size", "sha256", "attempt", "url"),
    *("created_at", "updated_at", "version"),
)
ARTIFACTS = ListSpec(
    artifacts.c.id,
    Sortable.from_columns({name: artifacts.c[name] for name in _FILTERS}),
    "name",
    shown=_SHOWN,
    references={"project": Reference("project_id", "project")},
)


def artifacts_of(job_id: str) -> Select[Any]:
    """The artifacts of one job."""
    return select(artifacts).where(artifacts.c.job_id == job_id)


def load_artifact(session: Session, job: Row, name: str) -> Row:
    """The artifact of a job that the caller sees.

    Raises:
        NotFound: the job has none of this name.
    """
    row = session.execute(artifacts_of(job["id"]).where(artifacts.c.name == name)).mappings().first()
    if row is None:
        raise NotFound(f"This job has no artifact {name[:120]!r}.")
    return row


def artifacts_by_id(session: Session, ids: Collection[str]) -> Mapping[str, Row]:
    """Rows by their ids."""
    chosen = select(artifacts).where(artifacts.c.id.in_(sorted(ids)))
    return {row["id"]: row for row in session.execute(chosen).mappings()}


def represent_artifact(row: Row) -> dict[str, Any]:
    """The artifact as the API shows it."""
    return {
        "id": row["id"],
        "object": "artifact",
        **{name: row[name] for name in _SHOWN[2:9]},
        "url": f"/api/v1/jobs/{row['job_id']}/artifacts/{row['name']}",
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "version": row["version"],
    }
