"""Reads of events."""

from __future__ import annotations

from sqlalchemy import RowMapping, select

from ..db import Session
from .models import events

# What lists show: not the bodies, which are large.
HEAD = tuple(
    events.c[name] for name in ("id", "type", "project_id", "entity_object", "entity_id", "actor", "created_at")
)


def latest_events(session: Session, project_ids: frozenset[str] | None, limit: int) -> list[RowMapping]:
    """The newest events in these projects, None for all; tests of webhooks are left out."""
    chosen = select(*HEAD).where(~events.c.is_test).order_by(events.c.seq.desc()).limit(limit)
    if project_ids is not None:
        chosen = chosen.where(events.c.project_id.in_(sorted(project_ids)))
    return list(session.execute(chosen).mappings())
