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
from .models import ASKED_FOR, FIRST, RETRY, webhook_attempts, webhook_deliveries


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

    The attempt itself is kept in any case, for it was made, unless its delivery is gone. Two statements, and a third
    where a lease was lost.

    Returns:
        The outcomes that hold: those whose lease did.
    """
    rows = as_json(_finish(session, outcome, now) for outcome in outcomes)
    finished = {row_id for (row_id,) in _FINISH.read(session, rows)}
    held = [outcome for outcome in outcomes if outcome.attempt.claimed.id in finished]
    kept = [outcome.attempt for outcome in held]
    if len(held) < len(outcomes):
        late = [outcome.attempt for outcome in outcomes if outcome.attempt.claimed.id not in finished]
        there = {row_id for (row_id,) in _THERE.read(session, as_json({"id": one.claimed.id} for one in late))}
        kept += [attempt for attempt in late if attempt.claimed.id in there]
    if kept:
        _INSERT.run(session, [_attempt_row(attempt) for attempt in kept])
    return held


def _there(dialect: str) -> Select[Any]:
    """Those of these deliveries that are there; they stay until the transaction ends."""
    table, given = webhook_deliveries, given_rows(dialect, id=Str)
    chosen = select(table.c.id).where(table.c.id.in_(select(given.c.id))).order_by(table.c.id)
    return chosen.with_for_update(key_share=True, read=True)


def _finish_all(dialect: str) -> ClauseElement:
    table = webhook_deliveries
    given = given_rows(
        dialect, id=Str, token=Str, status=Str, due_at=Moment(), finished_at=Moment(), code=Integer, lane=SmallInteger
    )
    return (
        update(table)
        .where(table.c.id == given.c.id, table.c.lease_token == given.c.token)
        .values(
            status=given.c.status,
            due_at=given.c.due_at,
            finished_at=given.c.finished_at,
            last_status_code=given.c.code,
            lane=given.c.lane,
            lease_token=None,
        )
        .returning(table.c.id)
    )


_THERE = Prepared(_there)
_FINISH = Prepared(_finish_all)
_INSERT = Insert(webhook_attempts, itemgetter)


def _finish(session: Session, outcome: Outcome, now: datetime) -> dict[str, Any]:
    claimed, ended = outcome.attempt.claimed, outcome.status != "pending"
    return {
        "id": claimed.id,
        "token": claimed.lease_token,
        "status": outcome.status,
        "due_at": session.moment(outcome.due_at),
        "finished_at": session.moment(now) if ended else None,
        "code": outcome.attempt.status_code,
        "lane": RETRY if claimed.lane in (FIRST, ASKED_FOR) and not ended else claimed.lane,
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
