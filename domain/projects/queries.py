"""Reads of projects."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from ..db import Session
from ..errors import FieldError
from .models import projects

MOST_LISTED = 500


def check_projects(session: Session, project_ids: Sequence[str]) -> list[FieldError]:
    """The mistakes in a field `project_ids`: each must be there, and there is an end to how many."""
    if len(project_ids) > MOST_LISTED:
        return [FieldError("/project_ids", "length", f"List at most {MOST_LISTED} projects.")]
    known = set(session.execute(select(projects.c.id).where(projects.c.id.in_(project_ids))).scalars())
    return [
        FieldError(f"/project_ids/{index}", "unknown", f"There is no project {project_id[:40]!r}.")
        for index, project_id in enumerate(project_ids)
        if project_id not in known
    ]
