"""Writes of deliveries: made with the event, claimed under a lease, finished behind a fence."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, Insert, Integer, bindparam, insert, literal, select, update

from ..access import SYSTEM
from ..audit.commands import differences, note_action
from ..db import Session, numbered_id, signal_after_commit
from ..events.models import events
from ..ids import new_id, new_id_stem
from ..prepared import Prepared
from ..signals import DeliveriesDue
from ..webhooks.models import webhooks
from .matching import is_wanted
from .models import webhook_attempts, webhook_deliveries

COUNTER_DIGITS = 6
MADE_OF_EVENT = ("id", "webhook_id", "event_id", "event_type", "event_seq", "entity_id", "due_at", "created_at")
# Longer than an attempt can take (20 s in all), so that only a dead or frozen worker's lease runs out.
LEASE = timedelta(seconds=30)


def fan_out(session: Session, event_ids: Sequence[str], now: datetime) -> None:
    """One delivery for each of these events and each webhook that asked for it, in one INSERT … SELECT."""
    wanted = {f"event_{number}": event_id for number, event_id in enumerate(event_ids)}
    given = {"id_stem": new_id_stem("dlv", COUNTER_DIGITS), "moment": now, **wanted}
    _fan_out_of(tuple(wanted)).run(session, given)
    signal_after_commit(session, DeliveriesDue())


@lru_cache(maxsize=100)  # a batch has some number of events, which is rarely one that was not there before
def _fan_out_of(event_ids: tuple[str, ...]) -> Prepared:
    return Prepared(lambda dialect: _fan_out(dialect, [bindparam(name) for name in event_ids]))


def _fan_out(dialect: str, event_ids: Sequence[BindParameter[str]]) -> Insert:
    row_id = numbered_id(dialect, COUNTER_DIGITS, events.c.seq)
    moment = bindparam("moment", type_=webhook_deliveries.c.due_at.type)
    rows = (
        select(row_id, webhooks.c.id, events.c.id, events.c.type, events.c.seq, events.c.entity_id, moment, moment)
        .select_from(events.join(webhooks, webhooks.c.enabled))
        .where(events.c.id.in_(event_ids), is_wanted())
    )
    return insert(webhook_deliveries).from_select(MADE_OF_EVENT, rows)


def deliver_to(session: Session, webhook_id: str, event_id: str, now: datetime) -> str:
    """One delivery to one webhook, whatever it subscribed to. Returns its id."""
    delivery_id, moment = new_id("dlv"), literal(now, webhook_deliveries.c.due_at.type)
    row = select(
        *(literal(delivery_id), literal(webhook_id), events.c.id, events.c.type),
        *(events.c.seq, events.c.entity_id, moment, moment),
    ).where(events.c.id == event_id)
    session.execute(insert(webhook_deliveries).from_select(MADE_OF_EVENT, row))
    signal_after_commit(session, DeliveriesDue())
    return delivery_id


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery under this worker's lease, with what is needed to send it."""

    id: str
    webhook_id: str
    event_id: str
    attempt: int
    lease_token: str
    url: str
    body: bytes
    attempts_before: int = 0

    @property
    def scheduled(self) -> int:
        """Which attempt of its schedule this is: it begins anew when somebody asks for the delivery once more."""
        return self.attempt - self.attempts_before


def claim(session: Session, now: datetime, limit: int) -> list[Claimed]:
    """Take up to `limit` due deliveries under a lease: pending ones whose time has come, and those of expired leases.

    Two statements. An attempt counts from its claim, so a delivery that kills its worker does not live for ever.
    """
    table, token = webhook_deliveries, uuid.uuid4().hex
    due = (
        select(table.c.id)
        .where(table.c.status.in_(("pending", "sending")), table.c.due_at <= now)
        .order_by(table.c.due_at, table.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        # Not a plain subquery: PostgreSQL may run that once for each row, and take more than `limit`.
        .cte("due")
    )
    taken = (
        session.execute(
            update(table)
            .where(table.c.id.in_(select(due.c.id)))
            .values(status="sending", attempts_count=table.c.attempts_count + 1, lease_token=token, due_at=now + LEASE)
            .returning(table.c.id)
        )
        .scalars()
        .all()
    )
    return _claimed(session, taken, token) if taken else []


def rehearse_claim(session: Session, now: datetime) -> None:
    """Run the statements of `claim` so that they are compiled, taking nothing."""
    claim(session, now, 0)
    _claimed(session, [""], "")


def _claimed(session: Session, taken: Sequence[str], token: str) -> list[Claimed]:
    table = webhook_deliveries
    rows = session.execute(
        select(
            *(table.c.id, table.c.webhook_id, table.c.event_id, table.c.attempts_count, table.c.attempts_before),
            *(webhooks.c.url, webhooks.c.payload_version, events.c.body, events.c.thin_body),
        )
        .join(webhooks, webhooks.c.id == table.c.webhook_id)
        .join(events, events.c.id == table.c.event_id)
        .where(table.c.id.in_(taken))
        .order_by(events.c.seq)
    )
    return [
        Claimed(
            id=row.id,
            webhook_id=row.webhook_id,
            event_id=row.event_id,
            attempt=row.attempts_count,
            lease_token=token,
            url=row.url,
            body=(row.thin_body if row.payload_version == "v1-thin" else row.body).encode(),
            attempts_before=row.attempts_before,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt came to."""

    claimed: Claimed
    started_at: datetime
    duration_ms: int
    status_code: int | None
    error: str | None
    message: str
    address: str | None = None
    request_headers: dict[str, str] = field(default_factory=dict)
    response_headers: dict[str, str] = field(default_factory=dict)
    response_body: str = ""
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """An attempt and what becomes of the delivery: `delivered`, `pending` until `due_at`, `failed` or `cancelled`."""

    attempt: Attempt
    status: str
    due_at: datetime


def record(session: Session, outcomes: Sequence[Outcome], now: datetime) -> list[Outcome]:
    """Write attempts and move their deliveries on, behind the fence: a lease that was lost meanwhile changes nothing.

    The attempt itself is kept in any case, for it was made, unless its delivery is gone. Three statements.

    Returns:
        The outcomes that hold: those whose lease did.
    """
    leases = _leases_now(session, [outcome.attempt.claimed.id for outcome in outcomes])
    kept = [outcome for outcome in outcomes if outcome.attempt.claimed.id in leases]
    held = [one for one in kept if leases[one.attempt.claimed.id] == one.attempt.claimed.lease_token]
    if kept:
        session.execute(insert(webhook_attempts), [_attempt_row(outcome.attempt) for outcome in kept])
    if held:
        session.execute(_FINISH, [_finish(outcome, now) for outcome in held])
    return held


def _leases_now(session: Session, ids: Sequence[str]) -> dict[str, str | None]:
    """Who holds each of these deliveries; the rows stay locked until the transaction ends."""
    table = webhook_deliveries
    chosen = select(table.c.id, table.c.lease_token).where(table.c.id.in_(ids)).order_by(table.c.id)
    return {row.id: row.lease_token for row in session.execute(chosen.with_for_update())}


_FINISH = (
    update(webhook_deliveries)
    .where(webhook_deliveries.c.id == bindparam("row_id"))
    .values(
        status=bindparam("new_status"),
        due_at=bindparam("new_due_at", type_=webhook_deliveries.c.due_at.type),
        finished_at=bindparam("new_finished_at", type_=webhook_deliveries.c.finished_at.type),
        last_status_code=bindparam("code", type_=Integer),
        lease_token=None,
    )
)


def _finish(outcome: Outcome, now: datetime) -> dict[str, Any]:
    return {
        "row_id": outcome.attempt.claimed.id,
        "new_status": outcome.status,
        "new_due_at": outcome.due_at,
        "new_finished_at": None if outcome.status == "pending" else now,
        "code": outcome.attempt.status_code,
    }


def _attempt_row(attempt: Attempt) -> dict[str, Any]:
    return {
        "delivery_id": attempt.claimed.id,
        "number": attempt.claimed.attempt,
        "started_at": attempt.started_at,
        "duration_ms": attempt.duration_ms,
        "address": attempt.address,
        "status_code": attempt.status_code,
        "error": attempt.error,
        "message": attempt.message,
        "request_headers": attempt.request_headers,
        "response_headers": attempt.response_headers,
        "response_body": attempt.response_body,
    }


def note_health(
    session: Session, failing: Sequence[str], healthy: Sequence[str], gone: Sequence[str], now: datetime
) -> None:
    """Keep each webhook's standing after a batch: failing since when, well again, or disabled by its own 410."""
    changed = {"version": webhooks.c.version + 1, "updated_at": now}
    if failing:
        since = update(webhooks).where(webhooks.c.id.in_(failing), webhooks.c.failing_since.is_(None))
        session.execute(since.values(failing_since=now, **changed))
    if healthy:
        well = update(webhooks).where(webhooks.c.id.in_(healthy), webhooks.c.failing_since.is_not(None))
        session.execute(well.values(failing_since=None, **changed))
    if gone:
        ended = update(webhooks).where(webhooks.c.id.in_(gone), webhooks.c.enabled)
        values = {"enabled": False, "disabled_reason": "gone"}
        for (webhook_id,) in session.execute(ended.values(**values, **changed).returning(webhooks.c.id)).all():
            told = {"id": webhook_id, **differences({"enabled": True}, values)}
            note_action(session, SYSTEM, "system", "webhook.disable", now, changes=told)
        waiting = update(webhook_deliveries).where(
            webhook_deliveries.c.webhook_id.in_(gone), webhook_deliveries.c.status == "pending"
        )
        session.execute(waiting.values(status="cancelled", finished_at=now))
