"""Writes about the installation itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Float, bindparam, delete, update

from ..accounts.sessions import prune_sessions
from ..crypto import Keyring
from ..db import Session, smaller, upsert
from ..idempotency.models import idempotency_records
from ..inserting import insert_ignoring_conflict
from .models import heartbeats, installation, rate_buckets
from .queries import FINGERPRINT, compare_secret_key

IDEMPOTENCY_KEPT = timedelta(hours=24)
BUCKET_KEPT = timedelta(minutes=5)


def check_secret_key(session: Session, keyring: Keyring) -> None:
    """Remember the secret key's fingerprint at the first start; afterwards refuse another key.

    Raises:
        WrongSecretKey: keys, webhook secrets and seals of this database could not be read.
    """
    row = {"name": FINGERPRINT, "value": keyring.fingerprint}
    if insert_ignoring_conflict(session, installation, row):
        return
    compare_secret_key(session, keyring)


def beat(session: Session, name: str, now: datetime) -> None:
    """Note that a process is alive."""
    upsert(session, heartbeats, ["name"], [{"name": name, "at": now}])


def take_from_bucket(session: Session, name: str, per_minute: int, cost: float, now: float) -> float | None:
    """Take `cost` tokens of a bucket kept in the database, while Redis is away.

    One conditional UPDATE decides, so that many processes admit no more than one would.

    Returns:
        The tokens left, or None when there were too few.
    """
    table = rate_buckets
    insert_ignoring_conflict(session, table, {"name": name, "tokens": float(per_minute), "updated_at": now})
    moment, most = bindparam("moment", now, type_=Float), bindparam("most", float(per_minute), type_=Float)
    refilled = table.c.tokens + (moment - table.c.updated_at) * (per_minute / 60)
    level = smaller(session, most, refilled)
    taken = update(table).where(table.c.name == name, level >= cost).values(tokens=level - cost, updated_at=moment)
    left: float | None = session.execute(taken.returning(table.c.tokens)).scalar_one_or_none()
    return left


def prune(session: Session, now: datetime) -> None:
    """Delete what has outlived its use: sessions that ended, idempotency records past 24 hours, full buckets."""
    prune_sessions(session, now)
    session.execute(delete(idempotency_records).where(idempotency_records.c.created_at <= now - IDEMPOTENCY_KEPT))
    # Full again, so as good as none: a bucket refills in a minute.
    session.execute(delete(rate_buckets).where(rate_buckets.c.updated_at <= (now - BUCKET_KEPT).timestamp()))
