"""Audit rows that wait together share a statement, and what cannot be stored is refused alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from domain.audit.commands import AuditEntry, AuditWriter
from domain.audit.models import api_audit_log
from domain.db import Database
from tests.support.clock import NOON
from tests.support.queries import recorded
from tests.support.waiting import wait_until


def entry(**fields: Any) -> AuditEntry:
    return AuditEntry(**{"at": NOON, "source": "api", "method": "GET", **fields})


def stored(database: Database) -> set[str]:
    with database.reading() as session:
        return set(session.execute(select(api_audit_log.c.id)).scalars())


@contextmanager
def nobody_writes(database: Database) -> Iterator[None]:
    with database.transaction() as session:
        if not database.is_sqlite:  # there the transaction itself keeps others out
            session.execute(text("LOCK TABLE api_audit_log IN EXCLUSIVE MODE"))
        yield


def write_together(database: Database, entries: Sequence[AuditEntry]) -> list[Future[None]]:
    """Write the first by itself and the others, which queue up meanwhile, as one group."""
    writer = AuditWriter(database)
    with ThreadPoolExecutor(len(entries)) as pool, nobody_writes(database):
        futures = [pool.submit(writer.write, entries[0])]
        wait_until(lambda: not writer._group._places and not writer._group._queue, 3, "the first caller does not write")
        futures += [pool.submit(writer.write, one) for one in entries[1:]]
        wait_until(lambda: len(writer._group._queue) == len(entries) - 1, 3, "the others do not queue up")
    return futures


def test_it_works(database: Database) -> None:
    entries = [entry() for _ in range(9)]
    with recorded(database) as statements:
        futures = write_together(database, entries)
    assert [future.exception() for future in futures] == [None] * 9
    assert stored(database) == {one.id for one in entries}
    assert sum(statement.startswith("INSERT") for statement in statements) == 2


def test_every_column_is_stored_as_it_was_given(database: Database) -> None:
    fields = {
        "key_id": "key_1", "params": {"query": {"a": ["1", "ü ☃ %s"]}}, "changes": {"n": 1.5}, "status_code": 200,
        "bytes_out": 2**40, "duration_ms": 0.125, "user_agent": "quote ' and \\ and %",
    }  # fmt: skip
    given = entry(**fields)
    AuditWriter(database).write(given)
    with database.reading() as session:
        row = session.execute(select(api_audit_log)).mappings().one()
    assert {name: getattr(given, name) for name in row} == dict(row)


@pytest.mark.parametrize("bad", [{"params": {"number": 2**70}}, {"source": None}], ids=["no JSON", "refused"])
def test_one_row_that_cannot_be_stored_refuses_no_other(database: Database, bad: dict[str, Any]) -> None:
    entries = [entry(), entry(), entry(**bad), entry()]
    first, second, third, fourth = write_together(database, entries)
    assert [future.exception() for future in (first, second, fourth)] == [None] * 3
    assert isinstance(third.exception(), TypeError | IntegrityError)
    assert stored(database) == {one.id for one in entries} - {entries[2].id}


def test_the_writer_goes_on_after_a_failure(database: Database) -> None:
    writer, good = AuditWriter(database), entry()
    with pytest.raises(TypeError):
        writer.write(entry(params={"number": 2**70}))
    writer.write(good)
    assert stored(database) == {good.id}
