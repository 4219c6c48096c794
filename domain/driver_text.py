"""Statements that come again and again, written out once in the driver's own words.

SQLAlchemy's way of a statement costs more than a database takes to answer one that an index leads to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import ClauseElement, Select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from .session import Session

DIALECTS: dict[str, Dialect] = {
    "sqlite": sqlite.dialect(paramstyle="qmark"),
    "postgresql": psycopg.dialect(paramstyle="format"),  # type: ignore[no-untyped-call]  # SQLAlchemy has no types there
}
_written: WeakKeyDictionary[ClauseElement, dict[str, DriverText]] = WeakKeyDictionary()


class DriverText:
    """A statement as one driver takes it, how its values are handed over, and how those of its rows are read.

    Args:
        dialect: `sqlite` or `postgresql`.
    """

    def __init__(self, statement: ClauseElement, dialect: str) -> None:
        writer = DIALECTS[dialect]
        compiled: Any = statement.compile(dialect=writer)
        self.text = str(compiled)
        binds = [compiled.binds[name] for name in compiled.positiontup]
        self._fixed = {bind.key: bind.value for bind in binds if not bind.required}
        self._marks = [(bind.key, bind.type.dialect_impl(writer).bind_processor(writer)) for bind in binds]
        columns = statement.selected_columns if isinstance(statement, Select) else ()
        found = [(number, _reader(column.type, writer)) for number, column in enumerate(columns)]
        self._readers = [(number, read) for number, read in found if read is not None]

    @classmethod
    def of(cls, statement: ClauseElement, dialect: str) -> DriverText:
        """The text of a statement that is kept; remembered as long as the statement is."""
        known = _written.setdefault(statement, {})
        if dialect not in known:
            known[dialect] = cls(statement, dialect)
        return known[dialect]

    def bound(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values of its bound parameters, as the driver takes them."""
        given = {**self._fixed, **values}
        return tuple([given[name] if bind is None else bind(given[name]) for name, bind in self._marks])

    def read_one(self, session: Session, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Its first row. The driver's errors are as `Session.read_one` leaves them."""
        found = session.read_one(self.text, self.bound(values))
        return found if found is None else self._read(found)

    def read_all(self, session: Session, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Its rows; otherwise as `read_one`."""
        found = session.read_all(self.text, self.bound(values))
        return [self._read(row) for row in found] if self._readers else found

    def _read(self, found: tuple[Any, ...]) -> tuple[Any, ...]:
        if not self._readers:
            return found
        row = list(found)
        for number, read in self._readers:
            row[number] = read(row[number])
        return tuple(row)


def _reader(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    if dialect.name == "sqlite":
        return kind.dialect_impl(dialect).result_processor(dialect, None)
    # psycopg has made of it what Python has for its type; only what we make of that is left.
    return partial(kind.process_result_value, dialect=dialect) if isinstance(kind, TypeDecorator) else None
