"""Sessions of the portal: kept here, so that signing out ends them everywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, update

from ..db import Session
from .models import sessions

IDLE = timedelta(hours=8)
LONGEST = timedelta(days=7)


def digest_of(token: str) -> bytes:
    """What the table holds in place of the cookie's token."""
    return hashlib.sha256(token.encode()).digest()


def find_session(session: Session, token: str, now: datetime) -> RowMapping | None:
    """The session of this token, unless it has been idle or open for too long."""
    alive = (sessions.c.expires_at > now, sessions.c.seen_at > now - IDLE)
    return session.execute(select(sessions).where(sessions.c.digest == digest_of(token), *alive)).mappings().first()


def save_session(
    session: Session,
    token: str,
    user_id: str,
    data: Mapping[str, Any],
    now: datetime,
    *,
    created_at: datetime | None = None,
    ip: str | None = None,
    user_agent: str | None = None,
) -> None:
    """Write the session: a new one, or with `created_at` the one that began then.

    A session that was ended meanwhile stays ended: a request that outlives the sign-out must not bring it back.
    """
    used = {"user_id": user_id, "data": dict(data), "ip": ip, "user_agent": user_agent, "seen_at": now}
    digest = digest_of(token)
    if created_at is not None:
        session.execute(update(sessions).where(sessions.c.digest == digest).values(used))
    else:
        session.execute(insert(sessions).values(digest=digest, created_at=now, expires_at=now + LONGEST, **used))


def touch_session(session: Session, token: str, now: datetime) -> None:
    """Note that it is in use."""
    session.execute(update(sessions).where(sessions.c.digest == digest_of(token)).values(seen_at=now))


def end_session(session: Session, token: str) -> None:
    """Delete it, and with it the right of whoever holds the token."""
    session.execute(delete(sessions).where(sessions.c.digest == digest_of(token)))


def prune_sessions(session: Session, now: datetime) -> int:
    """Delete those that have run out; how many there were."""
    gone = (sessions.c.expires_at <= now) | (sessions.c.seen_at <= now - IDLE)
    return int(getattr(session.execute(delete(sessions).where(gone)), "rowcount", 0))
