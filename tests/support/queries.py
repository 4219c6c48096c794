"""Counting SQL statements, and making them fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Table, event, text

from domain.db import Database


@contextmanager
def recorded(database: Database) -> Iterator[list[str]]:
    """The statements that this database is sent inside the context, in order; BEGIN and COMMIT are not among them."""
    statements: list[str] = []

    def record(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        event.remove(database.engine, "before_cursor_execute", record)


@contextmanager
def without(database: Database, table: Table) -> Iterator[None]:
    """Inside the context the table is not there: it stands for whatever may break."""
    _rename(database, table.name, "gone")
    try:
        yield
    finally:
        _rename(database, "gone", table.name)


def _rename(database: Database, old: str, new: str) -> None:
    with database.transaction() as session:
        session.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))
