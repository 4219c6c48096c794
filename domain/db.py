"""The database: engine and transactions.

Every difference between SQLite and PostgreSQL is in this file, in `columns` (types), in `driver_errors`, and in
`prepared` and `inserting` (statements of the hot path).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from typing import Any

import orjson
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
from sqlalchemy.pool import PoolProxiedConnection

from .columns import Bytes, Json, LongText, Moment, Number, Sequence64, Str, has_member
from .driver_errors import DRIVER_ERRORS, as_sqlalchemy_says, is_duplicate, waited_too_long_for_lock
from .signals import Signal

__all__ = [
    "Bytes", "Database", "Json", "LongText", "Moment", "Number", "Row", "Sequence64", "Session", "Str",
    "check_reachable", "has_member", "hour_of", "is_duplicate", "metadata", "numbered_id",
    "signal_after_commit", "smaller", "storable", "upsert", "waited_too_long_for_lock",
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

    A bare connection: an ORM session around it would cost more than the statements of a read. Outside of a transaction
    it is taken from the pool when it is first needed, and SQLAlchemy's own is put around it only for SQLAlchemy's
    statements.
    """

    __slots__ = ("_connection", "_engine", "_pooled", "in_transaction", "signals")

    def __init__(self, engine: Engine, transaction: Connection | None = None) -> None:
        self._engine = engine
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

    def execute_text(self, statement: str, parameters: Any) -> int:
        """Run a statement in the driver's own words: nothing is compiled or bound. How many rows it wrote."""
        if self._connection is None or self.in_transaction:
            # Of a driver's error SQLAlchemy knows what it means and what becomes of the connection: it may try again.
            with suppress(*DRIVER_ERRORS), closing(self._run_text(statement, parameters)) as cursor:
                return int(cursor.rowcount)
        return self._open().exec_driver_sql(statement, parameters).rowcount

    def read_one(self, statement: str, parameters: Any) -> tuple[Any, ...] | None:
        """The first row of a statement in the driver's own words, at a quarter of what SQLAlchemy's cursors cost.

        In a transaction errors are SQLAlchemy's; elsewhere the driver's errors leave it bare.
        """
        with closing(self._run_text(statement, parameters)) as cursor:
            row: tuple[Any, ...] | None = cursor.fetchone()
        return row

    def read_all(self, statement: str, parameters: Any) -> list[Any]:
        """Its rows; otherwise as `read_one`."""
        with closing(self._run_text(statement, parameters)) as cursor:
            return list(cursor.fetchall())

    def _run_text(self, statement: str, parameters: Any) -> DBAPICursor:
        if self.in_transaction:
            self._pooled = self._open().connection  # which refuses when it was lost
        elif self._pooled is None:
            self._pooled = self._engine.raw_connection()
        try:
            cursor = self._pooled.cursor()
            for listen in self._engine.dispatch.before_cursor_execute:
                listen(self._connection, cursor, statement, parameters, None, False)
            cursor.execute(statement, parameters)
        except DRIVER_ERRORS as error:
            if self.in_transaction:
                raise as_sqlalchemy_says(self._open(), statement, error) from error
            raise
        return cursor

    def close(self) -> None:
        """Give the connection back."""
        held = self._connection or self._pooled
        if held is not None:
            held.close()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part of the transaction that is rolled back alone when an exception leaves it."""
        with self._open().begin_nested():
            yield

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name


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
        session = Session(self._autocommit)
        try:
            yield session
        finally:
            session.close()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session in one transaction, committed at the end, rolled back on an exception. SQLite: BEGIN IMMEDIATE."""
        with self._writer, self.engine.begin() as connection:
            session = Session(self.engine, connection)
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


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("callsheet_autocommit"):
        return
    statement = "BEGIN IMMEDIATE" if connection.dialect.name == "sqlite" else "BEGIN"
    try:
        connection.connection.cursor().execute(statement)
    except DRIVER_ERRORS as error:  # another process held SQLite's writer's place for too long; a connection is gone
        raise as_sqlalchemy_says(connection, statement, error) from error


def upsert(session: Session, table: Table, key: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """INSERT each row, or UPDATE the one that already has its key. All rows have the same columns."""
    build = postgresql.insert if session.dialect == "postgresql" else sqlite.insert
    statement = build(table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in key}
    session.execute(statement.on_conflict_do_update(index_elements=list(key), set_=changed), list(rows))


def numbered_id(dialect: str, digits: int, order_by: ColumnElement[Any]) -> ColumnElement[str]:
    """The parameter `id_stem` and the row's number in hexadecimal, for an INSERT … SELECT (see `ids.new_id_stem`)."""
    number = func.row_number().over(order_by=order_by)
    if dialect == "postgresql":
        tail = func.lpad(func.to_hex(number), digits, "0")
    else:
        tail = func.printf(f"%0{digits}x", number)
    return bindparam("id_stem", type_=String).concat(tail)


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
