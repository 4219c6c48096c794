"""Statements through libpq: values go both ways as the driver's do, and what comes again is planned once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from domain import libpq
from domain.audit.commands import AuditEntry, AuditWriter
from domain.db import Database
from domain.libpq import MOST_PREPARED, WORTH_PREPARING, LibpqCursor
from tests.support.clock import NOON
from tests.support.databases import PostgresqlDatabases

PREPARED = "SELECT count(*) FROM pg_prepared_statements"


@pytest.fixture
def postgresql(postgresql_databases: PostgresqlDatabases) -> Iterator[Database]:
    with postgresql_databases.fresh() as url:
        made = Database(url, pool=1)
        yield made
        made.dispose()


def read(database: Database, statement: str, *values: Any) -> Any:
    """The first column of the first row, outside of a transaction."""
    with database.reading() as session:
        row = session.read_one(statement, values)
    return None if row is None else row[0]


@pytest.mark.parametrize(
    ("cast", "value"),
    [
        *(("text", text) for text in ("", "50 % „Ø“ $1 %s", "x" * 100_000)),
        *(("bigint", number) for number in (0, -1, 40_000, 2**31, 2**63 - 1)),
        *(("float8", number) for number in (1.5, -0.0, 1e300)),
        ("bool", True),
        ("bytea", b"\x00\xff"),
        ("text", None),
        ("timestamptz", datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)),
        ("text[]", ["a", "b,c", None]),
    ],
)
def test_values_come_back_as_they_went(postgresql: Database, cast: str, value: Any) -> None:
    for _ in range(WORTH_PREPARING + 2):  # prepared and not
        assert read(postgresql, f"SELECT %s::{cast}", value) == value


def test_json_is_read_as_the_driver_was_told_to(postgresql: Database) -> None:
    found = read(postgresql, 'SELECT \'{"n": 1e22, "a": [null]}\'::json')
    assert found == {"n": 1e22, "a": [None]}
    assert isinstance(found["n"], float)


def test_a_sign_of_percent_is_written_twice(postgresql: Database) -> None:
    assert read(postgresql, "SELECT '100 %%' || %s || '%%s'", "!") == "100 %!%s"


def test_rows_and_their_number(postgresql: Database) -> None:
    with postgresql.transaction() as session:
        assert session.read_all("SELECT n, n * 2 FROM generate_series(1, %s) n", (3,)) == [(1, 2), (2, 4), (3, 6)]
        assert session.read_one("SELECT 1 WHERE false", ()) is None
        session.execute_text("CREATE TEMP TABLE t (n int)", ())
        assert session.execute_text("INSERT INTO t SELECT * FROM generate_series(1, %s)", (5,)) == 5
        assert session.execute_text("UPDATE t SET n = 0 WHERE n > %s", (3,)) == 2
        assert session.execute_text("DELETE FROM t WHERE n > %s", (9,)) == 0


def test_what_comes_again_is_planned_once(postgresql: Database) -> None:
    for number in range(WORTH_PREPARING):
        assert read(postgresql, "SELECT %s + 1", number) == number + 1
    assert read(postgresql, PREPARED) == 0
    for number in range(3):
        assert read(postgresql, "SELECT %s + 1", number) == number + 1
    assert read(postgresql, PREPARED) == 1


def test_it_stays_planned_when_a_transaction_is_rolled_back(postgresql: Database) -> None:
    def divide(by: int) -> Any:
        with postgresql.transaction() as session:
            for _ in range(20):
                session.execute(text("SELECT 1"))  # SQLAlchemy's own way, on the same connection
            return session.read_one("SELECT 1 / %s", (by,))

    for _ in range(WORTH_PREPARING + 1):
        assert divide(1) == (1,)
    with pytest.raises(DBAPIError, match="division by zero"):
        divide(0)
    assert read(postgresql, PREPARED) == 1
    assert divide(1) == (1,)


def test_a_connection_keeps_so_many_and_no_more(postgresql: Database) -> None:
    with postgresql.reading() as session:
        for number in range(MOST_PREPARED + 50):
            for _ in range(WORTH_PREPARING + 1):
                assert session.read_one(f"SELECT {number} + %s", (1,)) == (number + 1,)
        assert session.read_one(PREPARED, ()) == (MOST_PREPARED,)
        assert session.read_one("SELECT 0 + %s", (1,)) == (1,)  # which went first


def test_statements_that_never_come_again_are_not_remembered(
    postgresql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libpq, "MOST_PREPARED", 10)
    with postgresql.engine.connect() as connection:
        cursor = LibpqCursor.of(connection.connection)
        for number in range(100):
            cursor.execute(f"SELECT {number}", ())
        assert len(cursor._uses) <= 10
        assert cursor.fetchone() == (99,)


def test_an_error_is_the_drivers(postgresql: Database) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        read(postgresql, "SELECT 1 / %s", 0)
    with pytest.raises(psycopg.errors.UndefinedTable):
        read(postgresql, "SELECT * FROM nowhere")
    assert read(postgresql, "SELECT 1") == 1


def test_a_connection_that_is_gone_is_told_as_such_and_replaced(postgresql: Database) -> None:
    with postgresql.reading() as session:
        with pytest.raises(psycopg.OperationalError, match=r"terminating|closed"):
            session.read_one("SELECT pg_terminate_backend(pg_backend_pid())", ())
        with pytest.raises(DBAPIError) as caught:
            session.execute_text("SELECT 1", ())
        assert caught.value.connection_invalidated
    assert read(postgresql, "SELECT 1") == 1


def test_who_lost_a_connection_does_not_get_the_one_in_its_place(postgresql_databases: PostgresqlDatabases) -> None:
    """Another caller is in a transaction on it."""
    with postgresql_databases.fresh() as url:
        database = Database(url, pool=1)
        with database.reading() as session:
            with pytest.raises(psycopg.OperationalError):
                session.read_one("SELECT pg_terminate_backend(pg_backend_pid())", ())
            with pytest.raises(DBAPIError):
                session.execute_text("SELECT 1", ())
            with database.transaction() as other:
                other.execute_text("CREATE TEMP TABLE mine AS SELECT 42 AS n", ())
                with pytest.raises((psycopg.Error, SQLAlchemyError)):
                    session.read_one("SELECT n FROM mine", ())
                assert other.read_one("SELECT n FROM mine", ()) == (42,)
        database.dispose()


@pytest.mark.parametrize("change", ["ALTER TABLE t ALTER n TYPE bigint", "DEALLOCATE ALL"])
def test_a_statement_that_is_outdated_fails_once(postgresql: Database, change: str) -> None:
    def fetch() -> Any:
        with postgresql.transaction() as session:
            return session.read_one("SELECT n FROM t WHERE n = %s", (1,))

    with postgresql.transaction() as session:
        session.execute_text("CREATE TEMP TABLE t AS SELECT 1 AS n", ())
    for _ in range(WORTH_PREPARING + 1):
        assert fetch() == (1,)
    with postgresql.transaction() as session:
        session.execute_text(change, ())
    with pytest.raises(DBAPIError, match=r"cached plan|does not exist"):
        fetch()
    for _ in range(WORTH_PREPARING + 3):
        assert fetch() == (1,)


def test_an_audit_row_of_any_size_is_the_same_statement(postgresql: Database) -> None:
    writer = AuditWriter(postgresql)
    for size in [size for size in (1, 40_000, 2**40, None) for _ in range(WORTH_PREPARING + 1)]:
        writer.write(AuditEntry(NOON, "api", bytes_in=size, bytes_out=size, duration_ms=size))
    assert read(postgresql, f"{PREPARED} WHERE statement LIKE %s", "INSERT INTO api_audit_log %") == 1
