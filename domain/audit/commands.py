"""Writing the audit trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, ProgrammingError

from ..access import Actor
from ..clock import rfc3339
from ..db import Database, Session
from ..grouping import Grouped
from ..ids import new_id
from ..inserting import Insert
from .masking import clean_text, is_about_secret, mask, without_value
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

    def __post_init__(self) -> None:
        # Of `PUT …/metadata/<key>` only the address says whose value the body is.
        if self.params is not None and is_about_secret(self.path):
            self.params = without_value(self.params)


_INSERT = Insert(api_audit_log)


def write_entry(session: Session, entry: AuditEntry) -> None:
    """Write the row in the caller's transaction: it stands or falls with what it tells of."""
    _INSERT.run(session, [entry])


def action_entry(
    actor: Actor,
    source: str,
    action: str,
    now: datetime,
    *,
    changes: Mapping[str, Any] | None = None,
    request_id: str | None = None,
    ip: str | None = None,
    user_agent: str | None = None,
) -> AuditEntry:
    """What somebody did, or read, through the portal or the command line.

    Args:
        source: `portal`, `cli` or `system`.
        action: noun and verb, such as `api_key.create`.
        changes: what identifies the object, and old and new values (see `differences`); secrets in it are masked.
    """
    return AuditEntry(
        at=now,
        source=source,
        user_id=actor.id if actor.type == "user" else None,
        action=action,
        changes=mask(changes) if changes else None,
        request_id=request_id,
        ip=ip,
        user_agent=clean_text(user_agent, 400),
    )


def note_action(
    session: Session,
    actor: Actor,
    source: str,
    action: str,
    now: datetime,
    *,
    changes: Mapping[str, Any] | None = None,
    **origin: str | None,
) -> None:
    """Write what somebody did, in the transaction that does it. For the arguments see `action_entry`."""
    write_entry(session, action_entry(actor, source, action, now, changes=changes, **origin))


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """`{field: {"from": …, "to": …}}` of every field that is not the same; what was not there was null. Times are told
    as the API tells them."""
    names = [*before, *(name for name in after if name not in before)]
    pairs = {name: (_shown(before.get(name)), _shown(after.get(name))) for name in names}
    return {name: {"from": was, "to": now} for name, (was, now) in pairs.items() if was != now}


def made_of(object_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The `changes` of something that was made: its id, and every value it was given."""
    return {"id": object_id, **differences({}, given)}


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    return [str(item) for item in value] if isinstance(value, tuple | set | frozenset) else value


class AuditWriter:
    """Writes the rows of reads and refusals; calls that wait together share one commit, and none returns before it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._group: Grouped[AuditEntry, None] = Grouped(self._commit)

    def write(self, entry: AuditEntry) -> None:
        """Return once the row is committed.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: it could not be written.
        """
        self._group.run(entry)

    def write_all(self, entries: Sequence[AuditEntry]) -> list[BaseException | None]:
        """Return once each is committed, or with what kept it from being written."""
        return self._group.run_all(entries) if entries else []

    def _commit(self, entries: Sequence[AuditEntry]) -> list[Exception | None]:
        try:
            with self._database.single_statement() as session:
                _INSERT.run(session, entries)
        except _ONE_ROWS_FAULT as error:
            return [error] if len(entries) == 1 else [self._commit([entry])[0] for entry in entries]
        except Exception as error:
            return [error] * len(entries)
        return [None] * len(entries)


# What a single row may cause; a database that does not answer is everybody's trouble.
_ONE_ROWS_FAULT = (DataError, IntegrityError, InterfaceError, ProgrammingError, ArithmeticError, TypeError, ValueError)
