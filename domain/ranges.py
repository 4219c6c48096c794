"""Going through a table by time, a few rows after another: for what deletes, so that nobody waits for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, TextClause, func, select, true

from .clock import rfc3339
from .db import Session


def end_of_range(
    session: Session,
    column: ColumnElement[Any],
    start: datetime | None,
    bound: datetime,
    most: int,
    every: ColumnElement[bool] | TextClause | None = None,
) -> datetime:
    """Up to where there are about `most` rows from `start` on; `bound` at the latest.

    Args:
        column: the rows' time, which has an index.
        every: what an index over some of the rows says of them all.
    """
    condition = true() if every is None else every
    times = select(column).where(condition, column < bound)
    if start is not None:
        times = times.where(column >= start)
    found: datetime | None = session.execute(times.order_by(column).offset(most).limit(1)).scalar_one_or_none()
    if found is None or found != start:
        return bound if found is None else found
    # A whole moment is one step, however many rows it has.
    following = select(func.min(column)).where(condition, column > found, column < bound)
    after: datetime | None = session.execute(following).scalar_one_or_none()
    return bound if after is None else after


def told(start: datetime | None, end: datetime, count: int) -> dict[str, Any]:
    """What the audit trail keeps of something done to `count` rows of a range."""
    return {"from": None if start is None else rfc3339(start), "until": rfc3339(end), "count": count}
