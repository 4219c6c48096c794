"""What endpoints allow over all workers: so many deliveries at a time, so many a minute.

Who looks holds the endpoint's row until the claim is committed, so that two workers never take the same place twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select

from ..db import Session, upsert
from ..operations.models import rate_buckets
from ..webhooks.models import webhooks
from .claiming import Ask, Claimed, Endpoint
from .models import webhook_deliveries

BURST_SECONDS = 1.0  # of a rate that may be sent at once


@dataclass(frozen=True, slots=True)
class Limits:
    """How many each limited endpoint may be sent now, and the tokens its bucket holds."""

    allowed: dict[str, int]
    tokens: dict[str, float]

    @classmethod
    def read(cls, session: Session, endpoints: Sequence[Endpoint], now: datetime) -> Limits:
        """Nothing is read where no endpoint has a limit."""
        limited = {one.id: one for one in endpoints if one.max_concurrency or one.rate_per_minute}
        if not limited:
            return cls({}, {})
        rows = select(webhooks.c.id).where(webhooks.c.id.in_(limited)).order_by(webhooks.c.id)
        held = set(session.execute(rows.with_for_update(skip_locked=True)).scalars())
        allowed = {webhook_id: 1_000_000 if webhook_id in held else 0 for webhook_id in limited}
        tokens: dict[str, float] = {}
        for one in (limited[webhook_id] for webhook_id in sorted(held)):
            if one.max_concurrency:
                allowed[one.id] = max(0, one.max_concurrency - _under_way(session, one.id, now))
            if one.rate_per_minute:
                tokens[one.id] = _level(session, one.id, one.rate_per_minute, now)
                allowed[one.id] = min(allowed[one.id], int(tokens[one.id]))
        return cls(allowed, tokens)

    def cut(self, asks: Sequence[Ask]) -> list[Ask]:
        """The asks, as far as they are allowed."""
        left, found = dict(self.allowed), []
        for ask in asks:
            most = min(ask.most, left.get(ask.webhook_id, ask.most))
            if ask.webhook_id in left:
                left[ask.webhook_id] -= most
            if most > 0:
                found.append(replace(ask, most=most))
        return found

    def charge(self, session: Session, claimed: Sequence[Claimed], now: datetime) -> None:
        """Take the tokens of what was claimed."""
        taken = Counter(one.webhook_id for one in claimed)
        rows = [
            {"name": _bucket(webhook_id), "tokens": tokens - taken[webhook_id], "updated_at": now.timestamp()}
            for webhook_id, tokens in self.tokens.items()
        ]
        if rows:
            upsert(session, rate_buckets, ["name"], rows)


def _bucket(webhook_id: str) -> str:
    return f"webhook:{webhook_id}"


def _under_way(session: Session, webhook_id: str, now: datetime) -> int:
    table = webhook_deliveries
    leased = (table.c.webhook_id == webhook_id, table.c.status == "sending", table.c.due_at > now)
    return int(session.execute(select(func.count()).where(*leased)).scalar_one())


def _level(session: Session, webhook_id: str, per_minute: int, now: datetime) -> float:
    most = max(1.0, per_minute * BURST_SECONDS / 60)
    table = rate_buckets
    row = session.execute(
        select(table.c.tokens, table.c.updated_at).where(table.c.name == _bucket(webhook_id))
    ).one_or_none()
    if row is None:
        return most
    return min(most, float(row.tokens + max(0.0, now.timestamp() - row.updated_at) * per_minute / 60))
