"""INSERT for the hot path: the statement is written once, and values go to the driver as they are."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import orjson
from sqlalchemy import Table
from sqlalchemy.dialects import sqlite

from .columns import Json, Moment
from .db import Session

_SQLITE = sqlite.dialect()


class Insert:
    """INSERT of dataclass instances that have a field for each column, without SQLAlchemy compiling and binding it.

    One statement, however many rows: all of them are inserted, or none. It is one step of SQLite's, too, so that the
    interpreter's lock is given away once and not once for each row.
    """

    def __init__(self, table: Table) -> None:
        names = [column.name for column in table.columns]
        columns = ", ".join(names)
        self._values_of = attrgetter(*names)
        self._bound = [
            (number, column.type)
            for number, column in enumerate(table.columns)
            if isinstance(column.type, Moment | Json)
        ]
        self._to_sqlite = f"INSERT INTO {table.name} ({columns}) VALUES "  # noqa: S608 - names of ours
        self._marks = "(" + ", ".join("?" * len(names)) + ")"
        # One text parameter, whatever the number of rows and their types: one prepared statement.
        self._to_postgresql = (
            f"INSERT INTO {table.name} ({columns})"  # noqa: S608 - names of ours
            f" SELECT {columns} FROM jsonb_populate_recordset(NULL::{table.name}, %s::jsonb)"
        )

    def run(self, session: Session, rows: Sequence[Any]) -> None:
        """Insert the rows.

        Raises:
            sqlalchemy.exc.DBAPIError: one of them cannot be stored.
            TypeError: one of them holds what is not JSON.
        """
        if session.dialect == "postgresql":
            session.execute_text(self._to_postgresql, (orjson.dumps(rows).decode(),))
        else:
            values = tuple(itertools.chain.from_iterable(map(self._bound_values, rows)))
            session.execute_text(self._to_sqlite + ", ".join([self._marks] * len(rows)), values)

    def _bound_values(self, row: Any) -> list[Any]:
        values = list(self._values_of(row))
        for number, kind in self._bound:
            values[number] = kind.process_bind_param(values[number], _SQLITE)
        return values
