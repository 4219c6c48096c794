"""The database: engine and transactions.

Every difference between SQLite and PostgreSQL is in this file, in `columns` (types), and in `finding` and `inserting`
(statements of the hot path).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

import orjson
import psycopg
from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Engine,
    Executable,
    MetaData,
    String,
    Table,
    bindparam,
    create_engine,
    event,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from .columns import Bytes, Json, LongText, Moment, Number, Sequence64, Str, has_member
from .signals import Signal

__all__ = [
    "Bytes", "Database", "Json", "LongText", "Moment", "Number", "Row", "Sequence64", "Session", "Str",
    "check_reachable", "has_member", "hour_of", "insert_ignoring_conflict", "insert_new_rows",
    "is_duplicate", "metadata", "numbered_id", "signal_after_commit", "smaller", "storable", "take_lock", "upsert",
    "waited_too_long_for_lock",
]  # fmt: skip

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# A row as code reads it, whether it came from a SELECT or is about to be INSERTed.
Row = Mapping[Any, Any]


def storable(text: str) -> str:
    """The text as both databases can hold it: PostgreSQL refuses NUL, and lone surrogates are in no encoding."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode()


class Session:
    """A way into the database while it is open, and the signals to send after its commit.

    A bare connection: an ORM session around it would cost more than the statements of a read.
    """

    __slots__ = ("_connection", "in_transaction", "signals")

    def __init__(self, connection: Connection, *, in_transaction: bool = True) -> None:
        self._connection = connection
        self.in_transaction = in_transaction
        self.signals: list[Signal] = []

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[*tuple[Any, ...]]:
        """Run one statement, or one for each row of a list of parameters."""
        return self._connection.execute(statement, parameters)

    def execute_text(self, statement: str, parameters: Any) -> None:
        """Run a statement in the driver's own words: nothing is compiled or bound."""
        self._connection.exec_driver_sql(statement, parameters)

    def read_one(self, statement: str, parameters: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """The first row of a read in the driver's own words, at a quarter of what SQLAlchemy's cursors cost.

        Where statements stand alone. The driver's errors leave it bare.
        """
        cursor = self._connection.connection.cursor()
        for listen in self._connection.dispatch.before_cursor_execute:
            listen(self._connection, cursor, statement, parameters, None, False)
        try:
            cursor.execute(statement, parameters)
            row: tuple[Any, ...] | None = cursor.fetchone()
        finally:
            cursor.close()
        return row

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part of the transaction that is rolled back alone when an exception leaves it."""
        with self._connection.begin_nested():
            yield

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._connection.dialect.name


class Database:
    """An engine and its two ways in: `reading()` (no transaction is held) and `transaction()` (committed at the end).

    Args:
        url: an SQLAlchemy URL of PostgreSQL (psycopg) or SQLite.
        pool: most connections of this process; a caller waits 2 s for one, then `sqlalchemy.exc.TimeoutError`.
        after_commit: called once after each commit that left signals, with those signals (see `signal_after_commit`).
    """

    def __init__(self, url: str, pool: int = 16, after_commit: Callable[[list[Signal]], None] | None = None) -> None:
        self.engine = _engine(url, pool)
        self.after_commit = after_commit
        self._autocommit = self.engine.execution_options(callsheet_autocommit=True)
        # SQLite has one writer: waiting here is fair and cheap, waiting in its busy handler is neither.
        self._writer: AbstractContextManager[Any] = threading.Lock() if self.is_sqlite else nullcontext()

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session whose every statement stands alone."""
        with self._autocommit.connect() as connection:
            yield Session(connection, in_transaction=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session in one transaction, committed at the end, rolled back on an exception. SQLite: BEGIN IMMEDIATE."""
        with self._writer, self.engine.begin() as connection:
            session = Session(connection)
            yield session
        if self.after_commit is not None and session.signals:
            self.after_commit(session.signals)

    @contextmanager
    def single_statement(self) -> Iterator[Session]:
        """A session for one statement that writes: a transaction by itself, with no BEGIN and COMMIT around it."""
        with self._writer, self._autocommit.connect() as connection:
            yield Session(connection, in_transaction=False)

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def signal_after_commit(session: Session, signal: Signal) -> None:
    """Tell other processes something once this transaction has committed. Losing a signal costs time, no more."""
    if signal not in session.signals:
        session.signals.append(signal)


def _engine(url: str, pool: int) -> Engine:
    # What a statement was given is named in no error: errors reach the log, and among it are hashes and signatures.
    options: dict[str, Any] = {"pool_size": pool, "max_overflow": 0, "pool_timeout": 2, "hide_parameters": True}
    if url.startswith("sqlite"):
        _make_private(make_url(url).database or "")
        engine = create_engine(url, **options, connect_args={"timeout": 5})
        event.listen(engine, "connect", _set_up_sqlite)
    else:
        engine = create_engine(
            url,
            **options,
            # As on SQLite, `_begin` begins transactions: switching the driver from one mode to the other and back for
            # each call costs more than the call's SELECT.
            isolation_level="AUTOCOMMIT",
            # PostgreSQL writes 1e22 in JSON with all its digits, which Python would read as an int of over 64 bits.
            json_deserializer=orjson.loads,
            connect_args={
                "connect_timeout": 5,
                "options": "-c timezone=UTC -c statement_timeout=30000 -c lock_timeout=4000",
            },
        )
    event.listen(engine, "begin", _begin)
    return engine


def _make_private(path: str) -> None:
    """Make a new database readable by this user alone, whatever its folder allows; its journal gets the same mode."""
    with suppress(OSError):  # the connection will say what is wrong
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin`, never by the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}")


DRIVER_ERRORS = (sqlite3.Error, psycopg.Error)


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("callsheet_autocommit"):
        return
    statement = "BEGIN IMMEDIATE" if connection.dialect.name == "sqlite" else "BEGIN"
    try:
        connection.connection.cursor().execute(statement)
    except DRIVER_ERRORS as error:  # another process held SQLite's writer's place for too long; a connection is gone
        driver: Any = error
        if connection.dialect.is_disconnect(driver, connection.connection.dbapi_connection, None):
            connection.invalidate(error)
        raise OperationalError(statement, None, error) from error


def waited_too_long_for_lock(error: DBAPIError) -> bool:
    """Whether another transaction held the row for longer than a caller should wait (PostgreSQL's `lock_timeout`)."""
    return getattr(error.orig, "sqlstate", None) == "55P03"


def take_lock(session: Session, number: int) -> bool:
    """Hold a lock until the transaction ends; False when another one has it. SQLite's only writer has them all."""
    if session.dialect != "postgresql":
        return True
    return bool(session.execute(func.pg_try_advisory_xact_lock(number).select()).scalar_one())


def insert_ignoring_conflict(session: Session, table: Table, values: dict[str, Any]) -> bool:
    """INSERT … ON CONFLICT DO NOTHING; whether the row is new."""
    build = postgresql.insert if session.dialect == "postgresql" else sqlite.insert
    statement: Any = build(table).values(values).on_conflict_do_nothing().returning(literal_column("1"))
    return session.execute(statement).first() is not None


def insert_new_rows(
    session: Session, table: Table, rows: Sequence[Mapping[str, Any]], key: Sequence[str]
) -> set[tuple[Any, ...]]:
    """INSERT many rows ON CONFLICT DO NOTHING, in one statement; the values of `key` of those that are new."""
    build = postgresql.insert if session.dialect == "postgresql" else sqlite.insert
    statement: Any = build(table).on_conflict_do_nothing().returning(*(table.c[name] for name in key))
    return {tuple(row) for row in session.execute(statement, list(rows))}


def is_duplicate(error: DBAPIError) -> bool:
    """Whether a UNIQUE constraint refused the row."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return getattr(error.orig, "sqlstate", None) == "23505" or code in (
        sqlite3.SQLITE_CONSTRAINT_UNIQUE,
        sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    )


def upsert(session: Session, table: Table, key: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """INSERT each row, or UPDATE the one that already has its key. All rows have the same columns."""
    build = postgresql.insert if session.dialect == "postgresql" else sqlite.insert
    statement = build(table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in key}
    session.execute(statement.on_conflict_do_update(index_elements=list(key), set_=changed), list(rows))


def numbered_id(session: Session, stem: str, digits: int, order_by: ColumnElement[Any]) -> ColumnElement[str]:
    """`stem` and the row's number in `digits` hexadecimal digits, for an INSERT … SELECT (see `ids.new_id_stem`)."""
    number = func.row_number().over(order_by=order_by)
    if session.dialect == "postgresql":
        tail = func.lpad(func.to_hex(number), digits, "0")
    else:
        tail = func.printf(f"%0{digits}x", number)
    return bindparam("id_stem", stem, type_=String).concat(tail)


def hour_of(session: Session, column: ColumnElement[Any]) -> ColumnElement[str]:
    """The hour a moment falls in, as text `YYYY-MM-DDTHH` in UTC."""
    if session.dialect == "postgresql":
        return func.to_char(column, literal_column("'YYYY-MM-DD\"T\"HH24'"))
    return func.substr(column, 1, 13)


def smaller(session: Session, one: ColumnElement[Any], other: ColumnElement[Any]) -> ColumnElement[Any]:
    """The smaller of two values in a row."""
    return func.least(one, other) if session.dialect == "postgresql" else func.min(one, other)


def check_reachable(url: str) -> None:
    """Open one connection and close it.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database cannot be reached.
    """
    engine = _engine(url, 1)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    finally:
        engine.dispose()
