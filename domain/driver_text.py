"""Statements that come again and again, written out once in the driver's own words.

SQLAlchemy's way of a statement costs more than a database takes to answer one that an index leads to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from .db import Session

_DIALECTS: dict[str, Dialect] = {
    "sqlite": sqlite.dialect(),
    "postgresql": psycopg.dialect(paramstyle="format"),  # type: ignore[no-untyped-call]  # SQLAlchemy has no types there
}
_written: WeakKeyDictionary[Select[Any], dict[str, DriverText]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class DriverText:
    """A SELECT as one driver takes it.

    Attributes:
        bound: of each of its marks the name, the value that stands there unless one is given, how it is handed over.
        readers: how the values of some columns are read.
    """

    text: str
    bound: tuple[tuple[str, Any, Callable[[Any], Any] | None], ...]
    readers: tuple[tuple[int, Callable[[Any], Any]], ...]

    @classmethod
    def of(cls, statement: Select[Any], dialect: str) -> DriverText:
        """The text of a statement that is kept; remembered as long as the statement is."""
        known = _written.setdefault(statement, {})
        if dialect not in known:
            known[dialect] = cls._write(statement, dialect)
        return known[dialect]

    @classmethod
    def _write(cls, statement: Select[Any], dialect: str) -> DriverText:
        writer = _DIALECTS[dialect]
        compiled: Any = statement.compile(dialect=writer)
        types = {name: compiled.binds[name].type.dialect_impl(writer) for name in compiled.positiontup}
        bound = [(name, compiled.params[name], types[name].bind_processor(writer)) for name in compiled.positiontup]
        found = [(number, _reader(column.type, writer)) for number, column in enumerate(statement.selected_columns)]
        readers = tuple((number, read) for number, read in found if read is not None)
        return cls(str(compiled), tuple(bound), readers)

    def read_one(self, session: Session, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Its first row, of a session whose statements stand alone. The driver's errors leave it bare."""
        given = []
        for name, otherwise, bind in self.bound:
            value = values.get(name, otherwise)
            given.append(value if bind is None else bind(value))
        found = session.read_one(self.text, tuple(given))
        if found is None or not self.readers:
            return found
        row = list(found)
        for number, read in self.readers:
            row[number] = read(row[number])
        return tuple(row)


def _reader(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    if dialect.name == "sqlite":
        return kind.dialect_impl(dialect).result_processor(dialect, None)
    # psycopg has made of it what Python has for its type; only what we make of that is left.
    return partial(kind.process_result_value, dialect=dialect) if isinstance(kind, TypeDecorator) else None
