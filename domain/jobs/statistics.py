"""Figures over jobs, for metrics and the portal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from ..db import Session
from .models import QUEUED, RUNNING, jobs


@dataclass(frozen=True, slots=True)
class Farm:
    """How busy the farm is.

    Attributes:
        queued: jobs of each kind that wait for a worker; a kind with none is not there.
        oldest_queued_seconds: since that job last changed; 0 when none is queued.
    """

    queued: dict[str, int]
    running: int
    oldest_queued_seconds: float


def farm(session: Session, now: datetime) -> Farm:
    """Read the figures: two statements, each from an index of jobs that are open."""
    counted = select(jobs.c.kind, func.count(), func.min(jobs.c.updated_at)).where(QUEUED).group_by(jobs.c.kind)
    found = session.execute(counted).all()
    running = session.execute(select(func.count()).select_from(jobs).where(RUNNING)).scalar_one()
    oldest = min((since for _, _, since in found), default=now)
    return Farm({kind: count for kind, count, _ in found}, running, max(0.0, (now - oldest).total_seconds()))
