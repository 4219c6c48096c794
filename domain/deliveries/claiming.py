"""Taking what is due, under a lease: from each webhook's own queues, and no more than was asked for of each."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import (
    Boolean,
    ClauseElement,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    SmallInteger,
    Update,
    any_,
    bindparam,
    case,
    exists,
    false,
    func,
    not_,
    or_,
    select,
    true,
    update,
)

from ..db import Row, Session, Str
from ..events.models import events
from ..json_rows import as_json, given_rows
from ..prepared import Prepared
from ..webhooks.models import webhooks
from .models import ASKED_FOR, LANES, is_open, webhook_deliveries

# Longer than an attempt can take (20 s in all) and than it can have waited for its turn before that, so that only a
# dead or frozen worker's lease runs out.
LEASE = timedelta(seconds=30)
_MOMENT = webhook_deliveries.c.due_at.type


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A webhook that something is due for.

    Attributes:
        ordered: whether one entity's events wait for each other.
        probing: its breaker was open and its pause is over: one delivery shows whether it is well again.
        lanes: those with something due.
    """

    id: str
    ordered: bool
    probing: bool
    max_concurrency: int | None
    rate_per_minute: int | None
    url: str
    timeout_seconds: int
    sealed_headers: bytes | None
    lanes: tuple[int, ...] = ()

    @classmethod
    def nobody(cls) -> Endpoint:
        """One that is not there, to rehearse with."""
        return cls("", ordered=False, probing=False, max_concurrency=None, rate_per_minute=None, url="",
                   timeout_seconds=0, sealed_headers=None)  # fmt: skip


def due_endpoints(session: Session, now: datetime) -> list[Endpoint]:
    """The webhooks to which something may be sent now: one statement, whatever is waiting."""
    found = [
        Endpoint(
            id=id_,
            ordered=ordering == "entity",
            probing=breaker != "closed" and not paused,
            max_concurrency=most,
            rate_per_minute=rate,
            url=url,
            timeout_seconds=timeout,
            sealed_headers=headers,
            lanes=tuple(lane for lane in LANES if lanes[lane] and (lane == ASKED_FOR or not paused)),
        )
        for id_, ordering, breaker, most, rate, url, timeout, headers, paused, *lanes in _DUE_ENDPOINTS.read(
            session, {"moment": now}
        )
    ]
    return [endpoint for endpoint in found if endpoint.lanes]


def _due_endpoints(_dialect: str) -> Select[Any]:
    moment = bindparam("moment", type_=_MOMENT)
    table = webhook_deliveries
    due = [
        # In the queue's order, and so from its index: PostgreSQL would look for any that is due among all deliveries.
        select(true())
        .where(*in_queue(table, webhooks.c.id, lane), table.c.due_at <= moment)
        .order_by(table.c.due_at, table.c.id)
        .limit(1)
        .scalar_subquery()
        for lane in LANES
    ]
    return select(
        *(webhooks.c.id, webhooks.c.ordering, webhooks.c.breaker, webhooks.c.max_concurrency),
        *(webhooks.c.rate_per_minute, webhooks.c.url, webhooks.c.timeout_seconds, webhooks.c.sealed_headers),
        *(func.coalesce(webhooks.c.paused_until > moment, false()), *due),
    ).where(webhooks.c.enabled)


def in_queue(table: Any, webhook_id: Any, lane: Any) -> tuple[ColumnElement[bool], ...]:
    """That a delivery is open and in this queue."""
    return table.c.webhook_id == webhook_id, table.c.lane == lane, is_open(table)


_DUE_ENDPOINTS = Prepared(_due_endpoints)


@dataclass(frozen=True, slots=True)
class Ask:
    """How many to take of one webhook's lane at most."""

    webhook_id: str
    lane: int
    most: int
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery under this worker's lease, with what is needed to send it."""

    id: str
    webhook_id: str
    event_id: str
    attempt: int
    lane: int
    lease_token: str
    is_test: bool
    body: bytes
    attempts_before: int = 0

    @property
    def scheduled(self) -> int:
        """Which attempt of its schedule this is: it begins anew when somebody asks for the delivery once more."""
        return self.attempt - self.attempts_before


def claim(session: Session, asks: Sequence[Ask], now: datetime) -> list[Claimed]:
    """Take due deliveries under a lease: pending ones whose time has come, and those of expired leases.

    An attempt counts from its claim, so a delivery that kills its worker does not live for ever. In the order of their
    events. Two statements; on SQLite one more for each further number that is asked for.
    """
    token = uuid.uuid4().hex
    lease = {"lease": now + LEASE, "token": token}
    claim_rows = _claim_at_once if session.dialect == "postgresql" else _claim_as_one_value
    return [
        Claimed(id_, webhook_id, event_id, attempt, lane, token, bool(is_test), body.encode(), before)
        for _, id_, webhook_id, event_id, attempt, lane, before, is_test, body in claim_rows(session, asks, now, lease)
    ]


def _claim_at_once(session: Session, asks: Sequence[Ask], now: datetime, lease: Row) -> Sequence[Sequence[Any]]:
    taken = _TAKE_ALL.read(session, {"moment": now, **lease, **as_json(_row(ask) for ask in asks)})
    return _CLAIMED.read(session, as_json({"id": row_id} for (row_id,) in taken)) if taken else []


def _claim_as_one_value(session: Session, asks: Sequence[Ask], now: datetime, lease: Row) -> Sequence[Sequence[Any]]:
    """SQLite's LIMIT knows no columns, and every row that is read from it gives the interpreter's lock away."""
    alike = defaultdict[int, list[Ask]](list)
    for ask in asks:
        alike[ask.most].append(ask)
    found: list[Sequence[Any]] = []
    for most, those in alike.items():
        given = as_json(_row(ask) for ask in those)
        ((rows,),) = _DUE.read(session, {"moment": now, "most": most, **given})
        found += orjson.loads(rows)
    if found:
        _LEASE.run(session, {**lease, **as_json({"id": row_id} for _, row_id, *_ in found)})
    return sorted(found, key=itemgetter(0))


def _row(ask: Ask) -> dict[str, Any]:
    return {"webhook_id": ask.webhook_id, "lane": ask.lane, "most": ask.most, "ordered": ask.ordered}


def _due(asked: FromClause) -> Select[Any]:
    """The ids in one queue that are due, the oldest first; those that wait for an earlier event are not."""
    queue, earlier = webhook_deliveries.alias("queue"), webhook_deliveries.alias("earlier")
    waits = exists().where(
        earlier.c.webhook_id == queue.c.webhook_id,
        earlier.c.entity_id == queue.c.entity_id,
        earlier.c.replay_id == queue.c.replay_id,
        is_open(earlier),
        earlier.c.event_seq < queue.c.event_seq,
    )
    return (
        select(queue.c.id)
        .where(*in_queue(queue, asked.c.webhook_id, asked.c.lane), queue.c.due_at <= bindparam("moment", type_=_MOMENT))
        .where(or_(not_(asked.c.ordered), not_(waits)))
        .order_by(queue.c.due_at, queue.c.id)
    )


def _lease(chosen: ColumnElement[bool]) -> Update:
    table = webhook_deliveries
    return (
        update(table)
        .where(chosen)
        .values(
            status="sending",
            attempts_count=table.c.attempts_count + 1,
            lease_token=bindparam("token"),
            due_at=bindparam("lease", type_=_MOMENT),
        )
    )


def _asked(dialect: str) -> FromClause:
    return given_rows(dialect, webhook_id=Str, lane=SmallInteger, most=Integer, ordered=Boolean)


def _take_all(dialect: str) -> ClauseElement:
    asked, table = _asked(dialect), webhook_deliveries
    each = _due(asked).limit(asked.c.most).with_for_update(skip_locked=True).lateral("due")
    # Not a plain subquery: PostgreSQL may run that once for each row, and take more than was asked for.
    taken = select(each.c.id).select_from(asked.join(each, true())).cte("taken")
    # As an array: of a join it would expect as many rows as there could be, and read the whole table for them.
    return _lease(table.c.id == any_(func.array(select(taken.c.id).scalar_subquery()))).returning(table.c.id)


def _claimed(dialect: str) -> Select[Any]:
    table, given = webhook_deliveries, given_rows(dialect, id=Str)
    shown = select(*_shown(table.c.attempts_count)).order_by(events.c.seq)
    return _with_events(shown, given.join(table, table.c.id == given.c.id))


def _due_as_one_value(dialect: str) -> Select[Any]:
    asked, table = _asked(dialect), webhook_deliveries
    ids = _due(asked).correlate(asked).limit(bindparam("most", type_=Integer))
    rows = func.json_group_array(func.json_array(*_shown(table.c.attempts_count + 1)))
    return _with_events(select(rows), asked.join(table, table.c.id.in_(ids)))


def _shown(attempt: ColumnElement[int]) -> tuple[ColumnElement[Any], ...]:
    table = webhook_deliveries
    body = case((webhooks.c.payload_version == "v1-thin", events.c.thin_body), else_=events.c.body)
    return (
        *(events.c.seq, table.c.id, table.c.webhook_id, table.c.event_id, attempt, table.c.lane),
        *(table.c.attempts_before, events.c.is_test, body),
    )


def _with_events(shown: Select[Any], chosen: FromClause) -> Select[Any]:
    table = webhook_deliveries
    return shown.select_from(
        chosen.join(webhooks, webhooks.c.id == table.c.webhook_id).join(events, events.c.id == table.c.event_id)
    )


_TAKE_ALL = Prepared(_take_all)
_CLAIMED = Prepared(_claimed)
_DUE = Prepared(_due_as_one_value)
_LEASE = Prepared(lambda dialect: _lease(webhook_deliveries.c.id.in_(select(given_rows(dialect, id=Str).c.id))))


def release(session: Session, claimed: Sequence[Claimed], now: datetime) -> None:
    """Give back what was claimed and not tried: due at once, its attempt not counted. Behind the fence."""
    if claimed:
        rows = as_json({"id": one.id, "token": one.lease_token} for one in claimed)
        _RELEASE.run(session, rows | {"moment": now})


def _release(dialect: str) -> ClauseElement:
    table, given = webhook_deliveries, given_rows(dialect, id=Str, token=Str)
    return (
        update(table)
        .where(table.c.id == given.c.id, table.c.lease_token == given.c.token)
        .values(
            status="pending",
            attempts_count=table.c.attempts_count - 1,
            lease_token=None,
            due_at=bindparam("moment", type_=_MOMENT),
        )
    )


_RELEASE = Prepared(_release)
