"""Writing the audit trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, ProgrammingError

from ..access import Actor
from ..db import Database, Session
from ..grouping import Grouped
from ..ids import new_id
from ..inserting import Insert
from .masking import clean_text, mask
from .models import api_audit_log


@dataclass(slots=True)
class AuditEntry:
    """One row of the trail. Texts must have been cleaned (`masking`)."""

    at: datetime
    source: str
    key_id: str | None = None
    secret_id: str | None = None
    user_id: str | None = None
    action: str | None = None
    method: str | None = None
    route: str | None = None
    path: str | None = None
    params: dict[str, Any] | None = None
    changes: dict[str, Any] | None = None
    status_code: int | None = None
    problem: str | None = None
    request_id: str | None = None
    idempotency: str | None = None
    rate_limit: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    bytes_in: int | None = None
    bytes_out: int | None = None
    duration_ms: float | None = None
    id: str = field(default_factory=lambda: new_id("aud"))


_INSERT = Insert(api_audit_log)


def write_entry(session: Session, entry: AuditEntry) -> None:
    """Write the row in the caller's transaction: it stands or falls with what it tells of."""
    _INSERT.run(session, [entry])


def note_action(
    session: Session,
    actor: Actor,
    source: str,
    action: str,
    now: datetime,
    *,
    changes: Mapping[str, Any] | None = None,
    request_id: str | None = None,
    ip: str | None = None,
    user_agent: str | None = None,
) -> None:
    """Write what somebody did through the portal or the command line, in the transaction that does it.

    Args:
        source: `portal`, `cli` or `system`.
        action: noun and verb, such as `api_key.create`.
        changes: old and new values, or what identifies the object; secrets in it are masked.
    """
    write_entry(
        session,
        AuditEntry(
            at=now,
            source=source,
            user_id=actor.id if actor.type == "user" else None,
            action=action,
            changes=mask(changes) if changes else None,
            request_id=request_id,
            ip=ip,
            user_agent=clean_text(user_agent, 400),
        ),
    )


class AuditWriter:
    """Writes the rows of reads and refusals; calls that wait together share one commit, and none returns before it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._group: Grouped[AuditEntry, None] = Grouped(self._write_all)

    def write(self, entry: AuditEntry) -> None:
        """Return once the row is committed.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: it could not be written.
        """
        self._group.run(entry)

    def _write_all(self, entries: Sequence[AuditEntry]) -> list[Exception | None]:
        try:
            with self._database.single_statement() as session:
                _INSERT.run(session, entries)
        except _ONE_ROWS_FAULT as error:
            return [error] if len(entries) == 1 else [self._write_all([entry])[0] for entry in entries]
        except Exception as error:
            return [error] * len(entries)
        return [None] * len(entries)


# What a single row may cause; a database that does not answer is everybody's trouble.
_ONE_ROWS_FAULT = (DataError, IntegrityError, InterfaceError, ProgrammingError, ArithmeticError, TypeError, ValueError)
