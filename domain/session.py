"""What code does in the database: statements, on a connection that is taken when it is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, Engine, Executable
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool import PoolProxiedConnection

from .columns import Moment
from .driver_errors import DRIVER_ERRORS, as_sqlalchemy_says
from .libpq import LibpqCursor
from .signals import Signal

MOMENT = Moment()
# A row as code reads it, whether it came from a SELECT or is about to be INSERTed.
Row = Mapping[Any, Any]


class Spare:
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


class Session:
    """A way into the database while it is open, and the signals to send after its commit.

    A bare connection: an ORM session around it would cost more than the statements of a read. Outside of a transaction
    it is taken when it is first needed, and SQLAlchemy's own is put around it only for SQLAlchemy's statements.
    """

    __slots__ = ("_connection", "_engine", "_pooled", "_spare", "_writer", "in_transaction", "signals")

    def __init__(
        self,
        engine: Engine,
        spare: Spare,
        transaction: Connection | None = None,
        writer: AbstractContextManager[Any] | None = None,
    ) -> None:
        self._engine = engine
        self._spare = spare
        self._writer = writer
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
            try:
                cursor = self._run_text(statement, parameters)
            except DRIVER_ERRORS:
                pass  # SQLAlchemy knows what it means, and what becomes of the connection: it may try again
            else:
                count = cursor.rowcount
                cursor.close()
                return count
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

    def _run_text(self, statement: str, parameters: Any) -> DBAPICursor | LibpqCursor:
        if self._connection is not None:
            self._pooled = self._connection.connection  # which refuses when it was lost
        elif self._pooled is None:
            self._pooled = self._spare.take() or self._engine.raw_connection()
        try:
            cursor = self._cursor(self._pooled)
            for listen in self._engine.dispatch.before_cursor_execute:
                listen(self._connection, cursor, statement, parameters, None, False)
            cursor.execute(statement, parameters)
        except DRIVER_ERRORS as error:
            self._spare.clear()  # they may all be broken
            if self.in_transaction:
                raise as_sqlalchemy_says(self._open(), statement, error) from error
            self._open()  # SQLAlchemy takes this one from here
            raise
        return cursor

    def _cursor(self, pooled: PoolProxiedConnection) -> DBAPICursor | LibpqCursor:
        return LibpqCursor.of(pooled) if self.dialect == "postgresql" else pooled.cursor()

    def __enter__(self) -> Session:
        if self._writer is not None:
            self._writer.__enter__()
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            if self._connection is not None:
                self._connection.close()
            elif self._pooled is not None:
                self._spare.keep(self._pooled)
        finally:
            if self._writer is not None:
                self._writer.__exit__(None, None, None)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part of the transaction that is rolled back alone when an exception leaves it."""
        with self._open().begin_nested():
            yield

    def moment(self, value: datetime) -> Any:
        """The time as this database's driver takes it."""
        return MOMENT.process_bind_param(value, self._engine.dialect)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name


def signal_after_commit(session: Session, signal: Signal) -> None:
    """Tell other processes something once this transaction has committed. Losing a signal costs time, no more."""
    if signal not in session.signals:
        session.signals.append(signal)
