"""Reads of deliveries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, func, select, union_all

from ..access import Actor, Permission
from ..clock import rfc3339
from ..db import Row, Session
from ..errors import NotFound
from ..events.models import events
from ..ids import is_id
from ..list_spec import ListSpec, Reference, Sortable
from ..webhooks.models import webhooks
from .claiming import in_queue
from .models import ASKED_FOR, LANES, STATUSES, is_open, webhook_attempts, webhook_deliveries

_FILTERS = ("id", "webhook_id", "event_id", "event_type", "status", "attempts_count", "last_status_code", "created_at")
DELIVERIES = ListSpec(
    webhook_deliveries.c.id,
    Sortable.from_columns({name: webhook_deliveries.c[name] for name in _FILTERS}, status=STATUSES),
    "-created_at",
    shown=(
        *("id", "object", "webhook_id", "event_id", "event_type", "status", "attempts_count", "next_attempt_at"),
        *("last_status_code", "created_at", "finished_at"),
    ),
    references={"webhook": Reference("webhook_id", "webhook")},
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


def latest_attempts(session: Session, delivery_ids: Iterable[str]) -> dict[str, RowMapping]:
    """The newest attempt of each of these deliveries, in one statement; absent for those not tried yet."""
    newest = (
        select(webhook_attempts.c.delivery_id, func.max(webhook_attempts.c.number).label("number"))
        .where(webhook_attempts.c.delivery_id.in_(list(delivery_ids)))
        .group_by(webhook_attempts.c.delivery_id)
        .subquery()
    )
    same = (webhook_attempts.c.delivery_id == newest.c.delivery_id) & (webhook_attempts.c.number == newest.c.number)
    rows = session.execute(select(webhook_attempts).join(newest, same)).mappings()
    return {row["delivery_id"]: row for row in rows}


@dataclass(frozen=True, slots=True)
class Activity:
    """What a webhook has been sent.

    Attributes:
        counts: deliveries by status: those that ended since some time, and all that are still open, however old.
            A status without any is absent.
        last: the newest delivery of all, None when there is none.
    """

    counts: dict[str, int]
    last: RowMapping | None


def activity_of(session: Session, webhook_ids: Iterable[str], since: datetime) -> dict[str, Activity]:
    """The activity of every one of these webhooks, in two statements."""
    table, ids = webhook_deliveries, list(webhook_ids)
    counted = (
        select(table.c.webhook_id, table.c.status, func.count().label("deliveries"))
        .where(table.c.webhook_id.in_(ids))
        .group_by(table.c.webhook_id, table.c.status)
    )
    # Two parts, for each has an index that leads to its rows alone.
    parts = union_all(counted.where(~is_open(), table.c.created_at >= since), counted.where(is_open()))
    counts: dict[str, dict[str, int]] = {webhook_id: {} for webhook_id in ids}
    for row in session.execute(parts):
        counts[row.webhook_id][row.status] = row.deliveries
    # One step down an index for each webhook; grouping would read every delivery there ever was.
    newest = (
        select(table.c.id)
        .where(table.c.webhook_id == webhooks.c.id)
        .order_by(table.c.created_at.desc(), table.c.id.desc())
        .limit(1)
        .correlate(webhooks)
        .scalar_subquery()
    )
    latest = select(table).join(webhooks, table.c.id == newest).where(webhooks.c.id.in_(ids))
    last = {row["webhook_id"]: row for row in session.execute(latest).mappings()}
    return {webhook_id: Activity(counts[webhook_id], last.get(webhook_id)) for webhook_id in ids}


def next_due(session: Session) -> datetime | None:
    """When the next delivery, or lease that ran out, may be sent; None when nothing waits. Pauses are respected."""
    table = webhook_deliveries
    first = [
        select(func.min(table.c.due_at)).where(*in_queue(table, webhooks.c.id, lane)).scalar_subquery()
        for lane in LANES
    ]
    found = []
    for paused, *lanes in session.execute(select(webhooks.c.paused_until, *first).where(webhooks.c.enabled)):
        found += [
            moment if paused is None or lane == ASKED_FOR else max(moment, paused)
            for lane, moment in zip(LANES, lanes, strict=True)
            if moment is not None
        ]
    return min(found, default=None)


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
