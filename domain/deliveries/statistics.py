"""Figures over deliveries and calls, for metrics and the portal's overview."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ScalarSelect, case, func, select

from ..audit.models import EVERY, api_audit_log
from ..db import Session
from ..webhooks.models import webhooks
from .models import FIRST, REPLAY, RETRY, STATUSES, is_open, webhook_deliveries


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


@dataclass(frozen=True, slots=True)
class Queues:
    """What waits to be sent.

    Attributes:
        depth: open deliveries by lane: `first`, `retry`, `replay`.
        outbox_age_seconds: how long the oldest has been due that was never tried; 0 when there is none.
        breakers: the state of each webhook's circuit breaker, by its id.
    """

    depth: dict[str, int]
    outbox_age_seconds: float
    breakers: dict[str, str]


def queues(session: Session, now: datetime) -> Queues:
    """Read the figures: the depth takes as long as the queues are; the rest a step down an index for each."""
    table = webhook_deliveries
    counted = select(table.c.lane, func.count()).where(_OPEN).group_by(table.c.lane)
    found = {row[0]: row[1] for row in session.execute(counted)}
    oldest = select(webhooks.c.id, webhooks.c.breaker, _soonest(FIRST).label("due_at"))
    rows = session.execute(oldest.order_by(webhooks.c.id)).all()
    return Queues(
        {name: found.get(lane, 0) for name, lane in LANES.items()},
        _age([row.due_at for row in rows], now),
        {row.id: row.breaker for row in rows},
    )


LANES = {"first": FIRST, "retry": RETRY, "replay": REPLAY}
_OPEN = is_open()


def _soonest(lane: int) -> ScalarSelect[datetime]:
    """When the first of a webhook's lane is due."""
    table = webhook_deliveries
    chosen = select(func.min(table.c.due_at)).where(table.c.webhook_id == webhooks.c.id, table.c.lane == lane, _OPEN)
    return chosen.correlate(webhooks).scalar_subquery()


def _age(moments: Iterable[datetime | None], now: datetime) -> float:
    oldest = min((moment for moment in moments if moment is not None), default=now)
    return max(0.0, (now - oldest).total_seconds())


def _oldest_due(session: Session, now: datetime) -> float:
    rows = session.execute(select(*(_soonest(lane).label(name) for name, lane in LANES.items())).select_from(webhooks))
    return _age((moment for row in rows for moment in row), now)
