"""Writes about the installation itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Float, bindparam, delete, select, update

from ..accounts.sessions import prune_sessions
from ..crypto import Keyring
from ..db import Session, smaller, upsert
from ..idempotency.models import idempotency_records
from ..ids import new_id
from ..inserting import insert_ignoring_conflict
from .models import heartbeats, installation, rate_buckets
from .queries import FINGERPRINT, compare_secret_key

OWN_ID = "id"
IDEMPOTENCY_KEPT = timedelta(hours=24)
BUCKET_KEPT = timedelta(minutes=5)
# Tokens that a bucket may be short of a call's cost, for what rounding loses. It owes them: more is never admitted.
ROUNDING = 0.001


def check_secret_key(session: Session, keyring: Keyring) -> None:
    """Remember the secret key's fingerprint at the first start; afterwards refuse another key.

    Raises:
        WrongSecretKey: keys, webhook secrets and seals of this database could not be read.
    """
    row = {"name": FINGERPRINT, "value": keyring.fingerprint}
    if insert_ignoring_conflict(session, installation, row):
        return
    compare_secret_key(session, keyring)


def installation_id(session: Session) -> str:
    """What tells this installation from others, even those that have the same secret key: made when first asked for."""
    insert_ignoring_conflict(session, installation, {"name": OWN_ID, "value": new_id("ins")})
    found: str = session.execute(select(installation.c.value).where(installation.c.name == OWN_ID)).scalar_one()
    return found


def beat(session: Session, name: str, now: datetime) -> None:
    """Note that a process is alive."""
    upsert(session, heartbeats, ["name"], [{"name": name, "at": now}])


def take_from_bucket(
    session: Session, name: str, per_minute: int, cost: float, now: float, at_most: float
) -> tuple[bool, float]:
    """Take `cost` tokens of a bucket kept in the database, while Redis is away.

    One conditional UPDATE decides, so that many processes admit no more than one would; a second one keeps the level of
    a bucket that held too little.

    Args:
        at_most: what the bucket can hold, as far as the caller knows.

    Returns:
        Whether there were enough, and the tokens left.
    """
    known = min(float(per_minute), at_most)
    table = rate_buckets
    insert_ignoring_conflict(session, table, {"name": name, "tokens": known, "updated_at": now})
    moment, most = bindparam("moment", now, type_=Float), bindparam("most", known, type_=Float)
    refilled = table.c.tokens + (moment - table.c.updated_at) * (per_minute / 60)
    level = smaller(session, most, refilled)
    settled = update(table).where(table.c.name == name).returning(table.c.tokens)
    taken = settled.where(level >= cost - ROUNDING).values(tokens=level - cost, updated_at=moment)
    left: float | None = session.execute(taken).scalar_one_or_none()
    if left is not None:
        return True, left
    kept: float = session.execute(settled.values(tokens=level, updated_at=moment)).scalar_one()
    return False, kept


def prune(session: Session, now: datetime) -> None:
    """Delete what has outlived its use: sessions that ended, idempotency records past 24 hours, full buckets."""
    prune_sessions(session, now)
    session.execute(delete(idempotency_records).where(idempotency_records.c.created_at <= now - IDEMPOTENCY_KEPT))
    # Full again, so as good as none: a bucket refills in a minute.
    session.execute(delete(rate_buckets).where(rate_buckets.c.updated_at <= (now - BUCKET_KEPT).timestamp()))
