"""Writing the audit trail."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from ..access import Actor
from ..db import Database, Session
from ..ids import new_id
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


_COLUMNS = tuple(field.name for field in fields(AuditEntry))
_INSERT = insert(api_audit_log)


def _row(entry: AuditEntry) -> dict[str, Any]:
    return {"id": new_id("aud"), **{name: getattr(entry, name) for name in _COLUMNS}}


def write_entry(session: Session, entry: AuditEntry) -> None:
    """Write the row in the caller's transaction: it stands or falls with what it tells of."""
    session.execute(_INSERT, [_row(entry)])


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
    """Writes the rows of reads and refusals; calls that wait together share one commit, and none returns before it.

    The first caller to find no writer at work becomes the writer and takes every row that has queued up meanwhile.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._mutex = threading.Lock()
        self._turn = threading.Lock()
        self._queue: list[_Waiting] = []

    def write(self, entry: AuditEntry) -> None:
        """Return once the row is committed.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: it could not be written.
        """
        waiting = _Waiting(entry)
        with self._mutex:
            self._queue.append(waiting)
        with self._turn:
            if not waiting.done:
                self._write_queue()
        if waiting.error is not None:
            raise waiting.error

    def _write_queue(self) -> None:
        with self._mutex:
            batch, self._queue = self._queue, []
        try:
            with self._database.transaction() as session:
                session.execute(_INSERT, [_row(waiting.entry) for waiting in batch])
        except Exception as error:
            for waiting in batch:
                waiting.error = error
        for waiting in batch:
            waiting.done = True


@dataclass(slots=True)
class _Waiting:
    entry: AuditEntry
    done: bool = False
    error: Exception | None = None
