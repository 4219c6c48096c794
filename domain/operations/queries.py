"""Reads about the installation itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from .models import heartbeats


def last_beat(session: Session, name: str) -> datetime | None:
    """When the process was last seen alive."""
    return session.execute(select(heartbeats.c.at).where(heartbeats.c.name == name)).scalar_one_or_none()
