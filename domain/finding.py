"""Finding one row by its id: the statement of almost every call, written out once for each table; who may see it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Select, Table, bindparam, select

from .access import Actor
from .db import Row, Session
from .driver_errors import DRIVER_ERRORS
from .driver_text import DriverText
from .errors import NotFound
from .ids import is_id


@dataclass(frozen=True, slots=True)
class InProject:
    """Rows that exist for those who see their project.

    Attributes:
        object: the word in `object` fields, such as `job`.
        prefix: of their ids.
        table: where they live.
    """

    object: str
    prefix: str
    table: Table

    def load(self, session: Session, actor: Actor, row_id: str, *, for_update: bool = False) -> Row:
        """The row, if it exists for this actor. `for_update` locks it until the transaction ends.

        Raises:
            NotFound: no such row, or in a project that the actor does not see.
        """
        row = find_row(session, self.table, self.prefix, row_id, for_update=for_update)
        # A project is in itself.
        if row is None or not actor.sees(row["id"] if self.object == "project" else row["project_id"]):
            raise NotFound(f"There is no {self.object} {row_id[:40]!r} that this caller can see.")
        return row


def find_row(session: Session, table: Table, prefix: str, row_id: str, *, for_update: bool = False) -> Row | None:
    """The row with this id; None also for text that is no such id. `for_update` locks it until the transaction ends."""
    if not is_id(row_id, prefix):
        return None
    statement, given = _by_id(table, for_update), {"row_id": row_id}
    try:
        values = DriverText.of(statement, session.dialect).read_one(session, given)
    except DRIVER_ERRORS:
        # Of a driver's error SQLAlchemy knows what it means and what becomes of the connection: it may try again.
        return session.execute(statement, given).mappings().first()
    return None if values is None else dict(zip(table.c.keys(), values, strict=True))


@cache
def _by_id(table: Table, for_update: bool) -> Select[*tuple[Any, ...]]:
    statement = select(table).where(table.c.id == bindparam("row_id"))
    return statement.with_for_update() if for_update else statement
