"""The database: engine and transactions.

Every difference between SQLite and PostgreSQL is in this file, in `columns` (types), in `driver_errors`, and in
`libpq`, `prepared` and `inserting` (statements of the hot path).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
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

from .columns import Bytes, Json, LongText, Moment, Number, Sequence64, Str, has_member
from .driver_errors import DRIVER_ERRORS, as_sqlalchemy_says, is_duplicate, waited_too_long_for_lock
from .libpq import LibpqCursor
from .session import Row, Session, Spare, signal_after_commit
from .signals import Signal

__all__ = [
    "Bytes", "Database", "Json", "LongText", "Moment", "Number", "Row", "Sequence64", "Session", "Str",
    "add_up", "check_reachable", "has_member", "hour_of", "is_duplicate", "metadata", "numbered_id",
    "signal_after_commit", "smaller", "storable", "take_lock", "upsert", "wait_for_lock",
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


def storable(text: str) -> str:
    """The text as both databases can hold it: PostgreSQL refuses NUL, and lone surrogates are in no encoding."""
    if "\0" in text:
        text = text.replace("\0", "\N{SYMBOL FOR NULL}")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


# A server that is gone without a word is given up: what waits for it hears neither its `statement_timeout` nor signals.
_DEAD_PEERS = {"tcp_user_timeout": 15_000, "keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}


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
        self._spare = Spare(pool // 4)
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

    def single_statement(self) -> Session:
        """A session for one statement that writes: a transaction by itself, with no BEGIN and COMMIT around it."""
        return Session(self._autocommit, self._spare, writer=self._writer)

    def dispose(self) -> None:
        """Close every pooled connection."""
        self._spare.clear()
        self.engine.dispose()


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
                **_DEAD_PEERS,
                # It would give up every prepared statement of the connection, those of `libpq` too, when it rolls back.
                "prepare_threshold": None,
                "options": "-c timezone=UTC -c statement_timeout=30000 -c lock_timeout=4000",
            },
        )
    event.listen(engine, "begin", _begin)
    return engine


def _make_private(path: str) -> None:
    """Make a new database readable by this user alone, whatever its folder allows; its journal gets the same mode."""
    # Only a new one: closing a file gives up every lock that this process has on it, SQLite's own ones too.
    with suppress(OSError):  # it is there, or the connection will say what is wrong
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin`, never by the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("callsheet_autocommit"):
        return
    is_sqlite = connection.dialect.name == "sqlite"
    statement = "BEGIN IMMEDIATE" if is_sqlite else "BEGIN"
    try:
        if is_sqlite:
            connection.connection.cursor().execute(statement)
        else:
            LibpqCursor.of(connection.connection).command(statement.encode())
    except DRIVER_ERRORS as error:  # another process held SQLite's writer's place for too long; a connection is gone
        raise as_sqlalchemy_says(connection, statement, error) from error


def take_lock(session: Session, number: int) -> bool:
    """Hold a lock until the transaction ends; False when another one has it. SQLite's only writer has them all."""
    if session.dialect != "postgresql":
        return True
    return bool(session.execute(func.pg_try_advisory_xact_lock(number).select()).scalar_one())


def wait_for_lock(session: Session, number: int) -> None:
    """Hold a lock until the transaction ends, as soon as nobody else does. SQLite's only writer has them all.

    Raises:
        DBAPIError: it took too long, or two transactions waited for each other.
    """
    if session.dialect == "postgresql":
        session.execute(func.pg_advisory_xact_lock(number).select())


def upsert(session: Session, table: Table, key: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """INSERT each row, or UPDATE the one that already has its key. All rows have the same columns."""
    session.execute(_upsert(session.dialect, table, tuple(key), tuple(rows[0])), list(rows))


def add_up(session: Session, table: Table, key: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """INSERT each row, or add its other values to those of the row that already has its key."""
    session.execute(_upsert(session.dialect, table, tuple(key), tuple(rows[0]), adding=True), list(rows))


@lru_cache(maxsize=100)
def _upsert(
    dialect: str, table: Table, key: tuple[str, ...], names: tuple[str, ...], *, adding: bool = False
) -> Executable:
    build = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = build(table)
    given = {name: statement.excluded[name] for name in names if name not in key}
    changed = {name: table.c[name] + value for name, value in given.items()} if adding else given
    return statement.on_conflict_do_update(index_elements=list(key), set_=changed)


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
