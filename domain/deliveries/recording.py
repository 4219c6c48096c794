"""Writing down what came of attempts, behind the fence of the lease."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import ClauseElement, Integer, Select, SmallInteger, select, update

from ..db import Moment, Session, Str
from ..inserting import Insert
from ..json_rows import as_json, given_rows
from ..prepared import Prepared
from .claiming import Claimed
from .models import FIRST, RETRY, webhook_attempts, webhook_deliveries


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
    request_headers: Mapping[str, str] = field(default_factory=dict)
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: str = ""
    details: Mapping[str, Any] | None = None
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
    leases = dict(_LEASES.read(session, as_json({"id": outcome.attempt.claimed.id} for outcome in outcomes)))
    kept = [outcome for outcome in outcomes if outcome.attempt.claimed.id in leases]
    held = [one for one in kept if leases[one.attempt.claimed.id] == one.attempt.claimed.lease_token]
    if kept:
        _INSERT.run(session, [_attempt_row(outcome.attempt) for outcome in kept])
    if held:
        _FINISH.run(session, as_json(_finish(session, outcome, now) for outcome in held))
    return held


def _leases(dialect: str) -> Select[Any]:
    """Who holds each of these deliveries; the rows stay locked until the transaction ends."""
    table, given = webhook_deliveries, given_rows(dialect, id=Str)
    chosen = select(table.c.id, table.c.lease_token).where(table.c.id.in_(select(given.c.id))).order_by(table.c.id)
    return chosen.with_for_update()


def _finish_all(dialect: str) -> ClauseElement:
    table = webhook_deliveries
    given = given_rows(
        dialect, id=Str, status=Str, due_at=Moment(), finished_at=Moment(), code=Integer, lane=SmallInteger
    )
    return (
        update(table)
        .where(table.c.id == given.c.id)
        .values(
            status=given.c.status,
            due_at=given.c.due_at,
            finished_at=given.c.finished_at,
            last_status_code=given.c.code,
            lane=given.c.lane,
            lease_token=None,
        )
    )


_LEASES = Prepared(_leases)
_FINISH = Prepared(_finish_all)
_INSERT = Insert(webhook_attempts, itemgetter)


def _finish(session: Session, outcome: Outcome, now: datetime) -> dict[str, Any]:
    claimed, ended = outcome.attempt.claimed, outcome.status != "pending"
    return {
        "id": claimed.id,
        "status": outcome.status,
        "due_at": session.moment(outcome.due_at),
        "finished_at": session.moment(now) if ended else None,
        "code": outcome.attempt.status_code,
        "lane": RETRY if claimed.lane == FIRST and not ended else claimed.lane,
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
        "details": attempt.details,
        "request_headers": attempt.request_headers,
        "response_headers": attempt.response_headers,
        "response_body": attempt.response_body,
    }
