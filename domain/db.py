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
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import PoolProxiedConnection

from .columns import Bytes, Json, LongText, Moment, Number, Sequence64, Str, has_member
from .signals import Signal

__all__ = [
    "Bytes", "Database", "Json", "LongText", "Moment", "Number", "Row", "Sequence64", "Session", "Str",
    "check_reachable", "has_member", "hour_of", "insert_ignoring_conflict", "insert_new_rows",
    "is_duplicate", "metadata", "numbered_id", "signal_after_commit", "smaller", "storable", "upsert",
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
    text = text.replace("\0", "\N{SYMBOL FOR NULL}")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


class Session:
    """A way into the database while it is open, and the signals to send after its commit.

    A bare connection: an ORM session around it would cost more than the statements of a read. Outside of a transaction
    it is taken when it is first needed, and SQLAlchemy's own is put around it only for SQLAlchemy's statements.
    """

    __slots__ = ("_connection", "_engine", "_pooled", "_spare", "in_transaction", "signals")

    def __init__(self, engine: Engine, spare: _Spare, transaction: Connection | None = None) -> None:
        self._engine = engine
        self._spare = spare
        self._connection = transaction
        self._pooled: PoolProxiedConnection | None = None if transaction is None else transaction.connection
        self.in_transaction = transaction is not None
        self.signals: list[Signal] = []

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[*tuple[Any, ...]]:
        """Run one statement, or one for each row of a list of parameters."""
        return self._open().execute(statement, parameters)

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = Connection(self._engine, self._pooled)
            self._pooled = self._connection.connection
        return self._connection

    def execute_text(self, statement: str, parameters: Any) -> None:
        """Run a statement in the driver's own words: nothing is compiled or bound."""
        if self._connection is None:
            # Of a driver's error SQLAlchemy knows what it means and what becomes of the connection: it may try again.
            with suppress(*DRIVER_ERRORS):
                self._run_text(statement, parameters).close()
                return
        self._open().exec_driver_sql(statement, parameters)

    def read_one(self, statement: str, parameters: Any) -> tuple[Any, ...] | None:
        """The first row of a read in the driver's own words, at a quarter of what SQLAlchemy's cursors cost.

        The driver's errors leave it bare.
        """
        cursor = self._run_text(statement, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
        cursor.close()
        return row

    def _run_text(self, statement: str, parameters: Any) -> DBAPICursor:
        if self._pooled is None:
            self._pooled = self._spare.take() or self._engine.raw_connection()
        cursor = self._pooled.cursor()
        for listen in self._engine.dispatch.before_cursor_execute:
            listen(self._connection, cursor, statement, parameters, None, False)
        try:
            cursor.execute(statement, parameters)
        except DRIVER_ERRORS:
            self._spare.clear()
            self._open()  # may be broken: SQLAlchemy takes it from here
            raise
        return cursor

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._connection is not None:
            self._connection.close()
        elif self._pooled is not None:
            self._spare.keep(self._pooled)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part of the transaction that is rolled back alone when an exception leaves it."""
        with self._open().begin_nested():
            yield

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name


class _Spare:
    """A few connections that reads keep between calls: going through the pool costs them as much as the statement."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: list[PoolProxiedConnection] = []

    def take(self) -> PoolProxiedConnection | None:
        try:
            return self._kept.pop()
        except IndexError:
            return None

    def keep(self, connection: PoolProxiedConnection) -> None:
        """Keep it, or give it back to the pool when there are enough."""
        if len(self._kept) < self._most:
            self._kept.append(connection)
        else:
            connection.close()

    def clear(self) -> None:
        """Give all of them back to the pool."""
        while (connection := self.take()) is not None:
            connection.close()


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
        self._spare = _Spare(pool // 4)
        self._autocommit = self.engine.execution_options(callsheet_autocommit=True)
        # SQLite has one writer: waiting here is fair and cheap, waiting in its busy handler is neither.
        self._writer: AbstractContextManager[Any] = threading.Lock() if self.is_sqlite else nullcontext()

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def reading(self) -> Session:
        """A session whose every statement stands alone; to be closed, by `with`."""
        return Session(self._autocommit, self._spare)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session in one transaction, committed at the end, rolled back on an exception. SQLite: BEGIN IMMEDIATE."""
        with self._writer, self.engine.begin() as connection:
            session = Session(self.engine, self._spare, connection)
            yield session
        if self.after_commit is not None and session.signals:
            self.after_commit(session.signals)

    @contextmanager
    def single_statement(self) -> Iterator[Session]:
        """A session for one statement that writes: a transaction by itself, with no BEGIN and COMMIT around it."""
        with self._writer, self.reading() as session:
            yield session

    def dispose(self) -> None:
        """Close every pooled connection."""
        self._spare.clear()
        self.engine.dispose()


def signal_after_commit(session: Session, signal: Signal) -> None:
    """Tell other processes something once this transaction has committed. Losing a signal costs time, no more."""
    if signal not in session.signals:
        session.signals.append(signal)


def _engine(url: str, pool: int) -> Engine:
    # What a statement was given is named in no error: errors reach the log, and among it are hashes and signatures.
    options: dict[str, Any] = {"pool_size": pool, "max_overflow": 0, "pool_timeout": 2, "hide_parameters": True}
    # Nothing is left to roll back in a connection that is given back: `Database` ends every transaction it begins.
    options["pool_reset_on_return"] = None
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
