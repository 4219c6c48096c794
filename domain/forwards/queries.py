"""What is to be forwarded next, and how far each target has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from ..audit.models import api_audit_log
from ..audit.queries import represent_entry
from ..db import Session
from ..seals.models import audit_sealed_rows
from .models import audit_forwards
from .targets import shown


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries as the API shows them, each with its `sequence`, in the order of the seals.

    Attributes:
        last: the sequence to go on from.
        gone: rows in between that were pruned before they were sent.
    """

    entries: list[dict[str, Any]]
    last: int
    gone: int


def next_batch(session: Session, after: int, limit: int) -> Batch:
    """What comes after this sequence."""
    sealed, log = audit_sealed_rows.c, api_audit_log.c
    chosen = (
        select(sealed.sequence, *log)
        .select_from(audit_sealed_rows.outerjoin(api_audit_log, log.id == sealed.row_id))
        .where(sealed.sequence > after)
        .order_by(sealed.sequence)
        .limit(limit)
    )
    rows = session.execute(chosen).mappings().all()
    entries = [{"sequence": row["sequence"], **represent_entry(row)} for row in rows if row["id"] is not None]
    return Batch(entries, rows[-1]["sequence"] if rows else after, len(rows) - len(entries))


@dataclass(frozen=True, slots=True)
class TargetState:
    """How one target is doing; `behind` is in rows."""

    target: str
    behind: int
    failures: int
    failing_since: datetime | None
    error: str | None

    @property
    def shown(self) -> str:
        """The URL without its query, which may hold what is nobody's business."""
        return shown(self.target)


def states_of_targets(session: Session) -> list[TargetState]:
    """Every target that is registered, by its URL: two statements."""
    newest = session.execute(select(func.max(audit_sealed_rows.c.sequence))).scalar() or 0
    found = session.execute(select(audit_forwards).order_by(audit_forwards.c.target))
    return [TargetState(row.target, newest - row.sequence, row.failures, row.failing_since, row.error) for row in found]
