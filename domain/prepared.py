"""Statements of the hot path: built and compiled once for each database, then run in the driver's own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, ClauseElement, ColumnElement, Table, bindparam, update

from .db import Session
from .driver_text import DriverText


class Prepared:
    """A statement with a bound parameter for each value that differs from call to call.

    Args:
        build: gives the statement for a database, by its name; called once for each.
    """

    def __init__(self, build: Callable[[str], ClauseElement]) -> None:
        self._build = build
        self._texts: dict[str, DriverText] = {}

    def run(self, session: Session, values: Mapping[str, Any]) -> int:
        """Run it; how many rows it wrote.

        Raises:
            sqlalchemy.exc.DBAPIError: the database refuses it.
        """
        text = self._text(session.dialect)
        return session.execute_text(text.text, text.bound(values))

    def read(self, session: Session, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it in a transaction; the rows it gives.

        Raises:
            sqlalchemy.exc.DBAPIError: the database refuses it.
        """
        return self._text(session.dialect).read_all(session, values)

    def _text(self, dialect: str) -> DriverText:
        text = self._texts.get(dialect)
        if text is None:
            text = self._texts[dialect] = DriverText(self._build(dialect), dialect)
        return text


# An expression with bound parameters, the same object at every call, and their values.
Condition = tuple[ColumnElement[bool], Mapping[str, Any]]


def update_row(
    session: Session,
    table: Table,
    row_id: str,
    changed: Mapping[str, Any],
    version: int | None = None,
    held: Condition | None = None,
) -> bool:
    """UPDATE the row with this id, if it is at that version and the condition holds; whether it is and does.

    Raises:
        sqlalchemy.exc.DBAPIError: the database refuses it.
    """
    condition, values = held or (None, {})
    chosen = {"row_id": row_id, "row_version": version} if version is not None else {"row_id": row_id}
    prepared = _update(table, tuple(sorted(changed)), tuple(chosen), condition)
    return prepared.run(session, {**changed, **chosen, **values}) == 1


@lru_cache(maxsize=1000)  # one for each set of columns that somebody changes together
def _update(
    table: Table, names: tuple[str, ...], chosen: tuple[str, ...], condition: ColumnElement[bool] | None
) -> Prepared:
    where = [table.c[name.removeprefix("row_")] == bindparam(name) for name in chosen]
    if condition is not None:
        where.append(condition)
    return Prepared(lambda _dialect: update(table).where(*where).values(parameters(table, names)))


def parameters(table: Table, names: tuple[str, ...]) -> dict[str, BindParameter[Any]]:
    """A bound parameter for the value of each of these columns."""
    return {name: bindparam(name, type_=table.c[name].type) for name in names}
