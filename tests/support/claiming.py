"""Claiming whatever is due, as a worker with plenty of slots would."""

from __future__ import annotations

from datetime import datetime

from domain.db import Session
from domain.deliveries.claiming import Ask, Claimed, claim, due_endpoints


def claim_due(session: Session, now: datetime, limit: int = 100) -> list[Claimed]:
    """Up to `limit` of each queue that has something due."""
    asks = [Ask(one.id, lane, limit, one.ordered) for one in due_endpoints(session, now) for lane in one.lanes]
    return claim(session, asks, now) if asks else []
