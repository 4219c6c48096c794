"""INSERT for the hot path: the statement is written once, and values go to the driver as they are."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from operator import attrgetter, itemgetter
from typing import Any

import orjson
from sqlalchemy import Float, Integer, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

from .columns import Json, Moment, Number
from .db import Session
from .driver_text import DIALECTS
from .prepared import Prepared, parameters

MOST_VALUES = 32_766  # that SQLite takes in one statement


class Insert:
    """INSERT of rows that all have a value for each column, without SQLAlchemy compiling and binding it.

    One statement, however many rows (of SQLite's, up to `MOST_VALUES`): all of them are inserted, in order, or none.
    It is one step of SQLite's, too, so that the interpreter's lock is given away once and not once for each row.

    Args:
        getter: how a row's values are read: `attrgetter` for dataclass instances, `itemgetter` for dicts.
        without: columns that the database fills.
    """

    def __init__(
        self, table: Table, getter: Callable[..., Callable[[Any], Any]] = attrgetter, without: Collection[str] = ()
    ) -> None:
        written = [column for column in table.columns if column.name not in without]
        names = [column.name for column in written]
        columns, self._width = ", ".join(names), len(names)
        self._values_of = getter(*names)
        converted = [(number, _converters(column.type)) for number, column in enumerate(written)]
        self._converted = {
            dialect: [(number, by_dialect[dialect]) for number, by_dialect in converted if dialect in by_dialect]
            for dialect in DIALECTS
        }
        into = f"INSERT INTO {table.name} ({columns})"
        self._marks = f"({', '.join('?' * len(names))})"
        self._one = {
            "sqlite": f"{into} VALUES {self._marks}",
            "postgresql": f"{into} VALUES {self._marks.replace('?', '%s')}",
        }
        # Of several rows one text, whatever their number: one prepared statement. Of one row it costs the database more
        # than its values do.
        self._several_to_postgresql = (
            f"{into} SELECT {columns} FROM json_populate_recordset(NULL::{table.name}, %s::json)"  # noqa: S608 - names of ours
        )

    def run(self, session: Session, rows: Sequence[Any]) -> None:
        """Insert the rows.

        Raises:
            sqlalchemy.exc.DBAPIError: one of them cannot be stored.
            TypeError: one of them holds what is not JSON.
        """
        for statement, values in self._statements(session.dialect, rows):
            session.execute_text(statement, values)

    def run_new(self, session: Session, rows: Sequence[Any], key: Sequence[str]) -> set[tuple[Any, ...]]:
        """Insert those that no constraint refuses; the values of `key` of these."""
        ending = " ON CONFLICT DO NOTHING RETURNING " + ", ".join(key)
        made = [
            session.read_all(statement + ending, values)
            for statement, values in self._statements(session.dialect, rows)
        ]
        return set(itertools.chain.from_iterable(made))

    def _statements(self, dialect: str, rows: Sequence[Any]) -> Iterator[tuple[str, tuple[Any, ...]]]:
        if len(rows) == 1:
            yield self._one[dialect], tuple(self._bound_values(rows[0], dialect))
            return
        if dialect == "postgresql":
            yield self._several_to_postgresql, (orjson.dumps(rows).decode(),)
            return
        at_once = MOST_VALUES // self._width
        for start in range(0, len(rows), at_once):
            part = rows[start : start + at_once]
            values = tuple([value for row in part for value in self._bound_values(row, dialect)])
            yield self._one[dialect] + f", {self._marks}" * (len(part) - 1), values

    def _bound_values(self, row: Any, dialect: str) -> list[Any]:
        values = list(self._values_of(row))
        for number, convert in self._converted[dialect]:
            value = values[number]
            if value is not None:
                values[number] = convert(value)
        return values


def _converters(kind: TypeEngine[Any]) -> dict[str, Callable[[Any], Any]]:
    """What makes of a value what the driver takes, by the dialects whose driver does not take it as it is."""
    if isinstance(kind, Json):
        return dict.fromkeys(DIALECTS, lambda value: orjson.dumps(value).decode())
    if isinstance(kind, Moment):
        return {"sqlite": partial(kind.process_bind_param, dialect=DIALECTS["sqlite"])}
    if isinstance(kind, Integer | Float | Number):
        # As text: psycopg has a type for each size, and each would be a statement; a double loses digits as a NUMERIC.
        return {"postgresql": str}
    return {}


def insert_new_rows(
    session: Session, table: Table, rows: Sequence[Mapping[str, Any]], key: Sequence[str]
) -> set[tuple[Any, ...]]:
    """INSERT many rows, of the same columns, ON CONFLICT DO NOTHING; the values of `key` of those that are new."""
    return _insert_of(table, tuple(rows[0])).run_new(session, rows, key)


@lru_cache(maxsize=100)
def _insert_of(table: Table, names: tuple[str, ...]) -> Insert:
    return Insert(table, itemgetter, without=set(table.c.keys()) - set(names))


def insert_ignoring_conflict(session: Session, table: Table, values: Mapping[str, Any]) -> bool:
    """INSERT … ON CONFLICT DO NOTHING; whether the row is new. Unlike the others it takes bytes, too."""
    return _insert_or_nothing(table, tuple(values)).run(session, values) == 1


@lru_cache(maxsize=100)
def _insert_or_nothing(table: Table, names: tuple[str, ...]) -> Prepared:
    makers: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
    return Prepared(lambda dialect: makers[dialect](table).values(parameters(table, names)).on_conflict_do_nothing())
