"""Reads of replays."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from ..access import Actor, Permission
from ..clock import rfc3339
from ..db import Row, Session
from ..deliveries.models import STATUSES as DELIVERY_STATUSES
from ..deliveries.models import webhook_deliveries
from ..errors import NotFound
from ..finding import find_row
from ..list_spec import ListSpec, Sortable
from .models import STATUSES, webhook_replays
from .selection import STATUSES as SELECTED

_FILTERS = ("id", "status", "delivery_status", "count", "queued_count", "created_at", "finished_at")
REPLAYS = ListSpec(
    webhook_replays.c.id,
    Sortable.from_columns(
        {name: webhook_replays.c[name] for name in _FILTERS}, status=STATUSES, delivery_status=SELECTED
    ),
    "-created_at",
    shown=(
        *("id", "object", "webhook_id", "status", "since", "until", "event_types", "delivery_status"),
        *("rate_per_minute", "count", "queued_count", "note", "created_by", "created_at", "updated_at", "finished_at"),
    ),
)


def replays_of(webhook_id: str) -> Select[Any]:
    """The replays of one webhook."""
    return select(webhook_replays).where(webhook_replays.c.webhook_id == webhook_id)


def load_replay(session: Session, actor: Actor, replay_id: str, *, for_update: bool = False) -> Row:
    """The replay's row.

    Raises:
        Forbidden: the actor may not manage webhooks.
        NotFound: no such replay.
    """
    actor.require(Permission.MANAGE_WEBHOOKS)
    row = find_row(session, webhook_replays, "rpl", replay_id, for_update=for_update)
    if row is None:
        raise NotFound(f"There is no replay {replay_id[:40]!r}.")
    return row


def deliveries_by_status(session: Session, replay_id: str) -> dict[str, int]:
    """How what it has queued stands: every status, from the index alone."""
    table = webhook_deliveries
    counted = select(table.c.status, func.count()).where(table.c.replay_id == replay_id, table.c.replay_id != "")
    found = {row[0]: row[1] for row in session.execute(counted.group_by(table.c.status))}
    return {status: found.get(status, 0) for status in DELIVERY_STATUSES}


def running_replay(session: Session, webhook_id: str) -> str | None:
    """The id of the webhook's replay that is not over; there is one at most."""
    running = select(webhook_replays.c.id).where(
        webhook_replays.c.webhook_id == webhook_id, webhook_replays.c.status == "running"
    )
    return session.execute(running.limit(1)).scalar_one_or_none()


def due_replays(session: Session, now: datetime) -> list[str]:
    """The replays whose next step is due, the longest overdue first."""
    table = webhook_replays
    due = select(table.c.id).where(table.c.status == "running", table.c.next_at <= now)
    return list(session.execute(due.order_by(table.c.next_at, table.c.id)).scalars())


def earliest_since(session: Session) -> datetime | None:
    """From where on the running replays still need events and their deliveries; None when none runs."""
    table = webhook_replays
    return session.execute(select(func.min(table.c.since)).where(table.c.status == "running")).scalar_one_or_none()


def standing(session: Session) -> tuple[int, int]:
    """How many replays run, and how many events they have still to queue, as they were counted beforehand."""
    table = webhook_replays
    left = func.sum(table.c.count - table.c.queued_count)
    running, events = session.execute(select(func.count(), left).where(table.c.status == "running")).one()
    return running, max(0, int(events or 0))


def represent_replay(row: Row) -> dict[str, Any]:
    """The replay as the API shows it in lists."""
    return {
        "id": row["id"],
        "object": "replay",
        "webhook_id": row["webhook_id"],
        "status": row["status"],
        "since": rfc3339(row["since"]),
        "until": rfc3339(row["until"]),
        "event_types": row["event_types"],
        "delivery_status": row["delivery_status"],
        "rate_per_minute": row["per_minute"],
        "count": row["count"],
        "queued_count": row["queued_count"],
        "note": row["note"],
        "created_by": row["created_by"],
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "finished_at": rfc3339(row["finished_at"]) if row["finished_at"] else None,
    }
