"""Finding one row by its id: the statement of almost every call, written out once for each table."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from sqlalchemy import Select, Table, bindparam, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect

from .columns import Json, Moment
from .db import DRIVER_ERRORS, Row, Session
from .ids import is_id


def find_row(session: Session, table: Table, prefix: str, row_id: str, *, for_update: bool = False) -> Row | None:
    """The row with this id; None also for text that is no such id. `for_update` locks it until the transaction ends."""
    if not is_id(row_id, prefix):
        return None
    if not session.in_transaction:
        statement, names, readers = _by_id_as_text(table, session.dialect)
        # Of a driver's error SQLAlchemy knows what it means and what becomes of the connection: it may try again.
        with suppress(*DRIVER_ERRORS):
            values = session.read_one(statement, (row_id,))
            if values is None:
                return None
            row = dict(zip(names, values, strict=True))
            for name, read in readers:
                row[name] = read(row[name])
            return row
    return session.execute(_by_id(table, for_update), {"row_id": row_id}).mappings().first()


_DIALECTS: dict[str, tuple[Dialect, str]] = {
    "sqlite": (sqlite.dialect(), "?"),
    "postgresql": (postgresql.dialect(), "%s"),  # type: ignore[no-untyped-call]  # SQLAlchemy has no types there
}


@cache
def _by_id_as_text(table: Table, dialect: str) -> tuple[str, tuple[str, ...], list[tuple[str, Callable[[Any], Any]]]]:
    """The statement, its columns, and how the values of some are read."""
    writer, mark = _DIALECTS[dialect]
    statement = str(select(table).where(table.c.id == literal_column(":id")).compile(dialect=writer))
    plain = () if dialect == "sqlite" else (Json, Moment)  # psycopg has read these already
    found = [(c.name, c.type.result_processor(writer, None)) for c in table.columns if not isinstance(c.type, plain)]
    return (
        statement.replace(":id", mark),
        tuple(column.name for column in table.columns),
        [(name, read) for name, read in found if read is not None],
    )


@cache  # one statement for each table: building it anew costs as much as running it
def _by_id(table: Table, for_update: bool) -> Select[*tuple[Any, ...]]:
    statement = select(table).where(table.c.id == bindparam("row_id"))
    return statement.with_for_update() if for_update else statement
