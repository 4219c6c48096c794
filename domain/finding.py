"""Finding one row by its id: the statement of almost every call, written out once for each table."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from sqlalchemy import Select, Table, bindparam, select

from .columns import Json, Moment
from .db import Row, Session
from .driver_errors import DRIVER_ERRORS
from .ids import is_id
from .prepared import DIALECTS


def find_row(session: Session, table: Table, prefix: str, row_id: str, *, for_update: bool = False) -> Row | None:
    """The row with this id; None also for text that is no such id. `for_update` locks it until the transaction ends."""
    if not is_id(row_id, prefix):
        return None
    statement, names, readers = _by_id_as_text(table, for_update, session.dialect)
    try:
        values = session.read_one(statement, (row_id,))
    except DRIVER_ERRORS:
        # Of a driver's error SQLAlchemy knows what it means and what becomes of the connection: it may try again.
        return session.execute(_by_id(table, for_update), {"row_id": row_id}).mappings().first()
    if values is None:
        return None
    row = dict(zip(names, values, strict=True))
    for name, read in readers:
        row[name] = read(row[name])
    return row


@cache
def _by_id_as_text(
    table: Table, for_update: bool, dialect: str
) -> tuple[str, tuple[str, ...], list[tuple[str, Callable[[Any], Any]]]]:
    """The statement, its columns, and how the values of some are read."""
    writer = DIALECTS[dialect]
    plain = () if dialect == "sqlite" else (Json, Moment)  # psycopg has read these already
    found = [(c.name, c.type.result_processor(writer, None)) for c in table.columns if not isinstance(c.type, plain)]
    return (
        str(_by_id(table, for_update).compile(dialect=writer)),
        tuple(column.name for column in table.columns),
        [(name, read) for name, read in found if read is not None],
    )


@cache
def _by_id(table: Table, for_update: bool) -> Select[*tuple[Any, ...]]:
    statement = select(table).where(table.c.id == bindparam("row_id"))
    return statement.with_for_update() if for_update else statement
