"""Figures over deliveries and calls, for metrics and the portal's overview."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select

from ..audit.models import EVERY, api_audit_log
from ..db import Session
from .models import STATUSES, webhook_deliveries


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand.

    Attributes:
        by_status: deliveries of the last day, and all that are still open.
        oldest_due_seconds: 0 when nothing is due.
        calls_by_class: API calls of the last hour under `2xx`, `4xx` ….
    """

    by_status: dict[str, int]
    oldest_due_seconds: float
    calls_by_class: dict[str, int]


def standing(session: Session, now: datetime) -> Standing:
    """Read the figures: three statements."""
    return Standing(
        deliveries_by_status(session, now - timedelta(days=1)),
        _oldest_due(session, now),
        calls_by_class(session, now - timedelta(hours=1)),
    )


def deliveries_by_status(session: Session, since: datetime) -> dict[str, int]:
    """Deliveries made since then, by status."""
    table = webhook_deliveries
    counted = select(table.c.status, func.count()).where(table.c.created_at >= since).group_by(table.c.status)
    found = {row[0]: row[1] for row in session.execute(counted)}
    return {status: found.get(status, 0) for status in STATUSES}


def calls_by_class(session: Session, since: datetime) -> dict[str, int]:
    """API calls since then, by the class of their status."""
    table = api_audit_log
    class_ = case(*((table.c.status_code < limit, name) for name, limit in _CLASSES), else_="5xx")
    counted = select(class_, func.count()).where(EVERY, table.c.source == "api", table.c.at >= since).group_by(class_)
    found = {row[0]: row[1] for row in session.execute(counted)}
    return {name: found.get(name, 0) for name in (*(name for name, _ in _CLASSES), "5xx")}


_CLASSES = (("2xx", 300), ("3xx", 400), ("4xx", 500))


def _oldest_due(session: Session, now: datetime) -> float:
    table = webhook_deliveries
    oldest = session.execute(
        select(func.min(table.c.due_at)).where(table.c.status.in_(("pending", "sending")))
    ).scalar()
    return 0.0 if oldest is None else max(0.0, (now - oldest).total_seconds())
