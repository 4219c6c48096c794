"""Reads of deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, func, select
from sqlalchemy.orm import Session

from ..access import Actor, Permission
from ..clock import rfc3339
from ..db import Row
from ..errors import NotFound
from ..events.models import events
from ..ids import is_id
from ..listing import ListSpec, Sortable
from .models import webhook_attempts, webhook_deliveries

_FILTERS = ("id", "webhook_id", "event_id", "event_type", "status", "attempts_count", "last_status_code", "created_at")
DELIVERIES = ListSpec(
    webhook_deliveries.c.id,
    Sortable.from_columns({name: webhook_deliveries.c[name] for name in _FILTERS}),
    "-created_at",
)


def deliveries_of(webhook_id: str) -> Select[Any]:
    """The deliveries to one webhook."""
    return select(webhook_deliveries).where(webhook_deliveries.c.webhook_id == webhook_id)


def load_delivery(session: Session, actor: Actor, delivery_id: str) -> RowMapping:
    """The delivery's row, with its event's `body`.

    Raises:
        Forbidden: the actor may not manage webhooks.
        NotFound: no such delivery.
    """
    actor.require(Permission.MANAGE_WEBHOOKS)
    statement = (
        select(webhook_deliveries, events.c.body, events.c.thin_body)
        .join(events, events.c.id == webhook_deliveries.c.event_id)
        .where(webhook_deliveries.c.id == delivery_id)
    )
    row = session.execute(statement).mappings().first() if is_id(delivery_id, "dlv") else None
    if row is None:
        raise NotFound(f"There is no delivery {delivery_id[:40]!r}.")
    return row


def attempts_of(session: Session, delivery_id: str) -> list[RowMapping]:
    """The attempts of a delivery, newest first."""
    chosen = select(webhook_attempts).where(webhook_attempts.c.delivery_id == delivery_id)
    return list(session.execute(chosen.order_by(webhook_attempts.c.number.desc())).mappings())


def next_due(session: Session) -> datetime | None:
    """When the next delivery, or lease that ran out, is due; None when nothing waits."""
    table = webhook_deliveries
    waiting = select(func.min(table.c.due_at)).where(table.c.status.in_(("pending", "sending")))
    return session.execute(waiting).scalar_one_or_none()


def represent_delivery(row: Row) -> dict[str, Any]:
    """The delivery as the API shows it, without its attempts."""
    return {
        "id": row["id"],
        "object": "delivery",
        "webhook_id": row["webhook_id"],
        "event_id": row["event_id"],
        "event_type": row["event_type"],
        "status": row["status"],
        "attempts_count": row["attempts_count"],
        "next_attempt_at": rfc3339(row["due_at"]) if row["status"] == "pending" else None,
        "last_status_code": row["last_status_code"],
        "created_at": rfc3339(row["created_at"]),
        "finished_at": rfc3339(row["finished_at"]) if row["finished_at"] else None,
    }
