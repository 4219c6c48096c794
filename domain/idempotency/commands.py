"""Idempotency: the record is the transaction's first INSERT, so a twin waits and a killed process leaves none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, and_, bindparam, select, update

from ..db import Session
from ..inserting import insert_ignoring_conflict
from ..prepared import Prepared
from .models import idempotency_records


@dataclass(frozen=True, slots=True)
class RecordKey:
    """What an `Idempotency-Key` is scoped to."""

    key_id: str
    method: str
    path: str
    idempotency_key: str

    def columns(self) -> dict[str, str]:
        """The primary key's columns."""
        return {
            "key_id": self.key_id,
            "method": self.method,
            "path": self.path,
            "idempotency_key": self.idempotency_key,
        }


def claim_record(session: Session, key: RecordKey, body_digest: bytes, now: datetime) -> RowMapping | None:
    """Insert the record, or return the row that is there: the answer to an earlier call with this key."""
    values: dict[str, Any] = {**key.columns(), "body_digest": body_digest, "created_at": now}
    while not insert_ignoring_conflict(session, idempotency_records, values):
        record = session.execute(_RECORD, key.columns()).mappings().first()
        if record is not None:  # else it was pruned between the two
            return record
    return None


def keep_answer(session: Session, key: RecordKey, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Store the answer beside the write that it answers."""
    _KEEP.run(session, {**key.columns(), "status_code": status, "headers": dict(headers), "body": body})


_TABLE = idempotency_records
_SAME_KEY = and_(*(column == bindparam(column.name) for column in _TABLE.primary_key.columns))
_RECORD = select(_TABLE).where(_SAME_KEY)
_ANSWER: dict[str, Any] = {name: bindparam(name) for name in ("status_code", "headers", "body")}
_KEEP = Prepared(lambda _dialect: update(_TABLE).where(_SAME_KEY).values(_ANSWER))
