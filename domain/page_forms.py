"""The two forms in which a statement gives its part of a page: as rows, or as JSON texts that the database writes.

A page of texts comes as one row. Reading fifty costs more than finding them, and on SQLite each of fifty steps gives
the interpreter's lock away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from sqlalchemy import FromClause, Integer, Select, bindparam, func, literal_column, select, true

from .columns import Moment
from .db import Session
from .documents import SEPARATOR, Document, joined
from .driver_errors import DRIVER_ERRORS
from .driver_text import DriverText
from .keyset import Nulls, Order, ordered


@dataclass(frozen=True, slots=True)
class Part:
    """What one statement gives of a page.

    Attributes:
        rows: each one's members by name, or its JSON text.
        last: the sort values of the row that was asked for; None when there are not as many.
    """

    rows: Sequence[Any]
    last: Sequence[Any] | None


class Unwritten(Exception):
    """A page holds what the database would write otherwise than it is shown: it is to be read as rows."""


class Form(Protocol):
    """How a part of a page is asked for and read."""

    def build(self, statement: Select[Any], orders: tuple[Order, ...], nulls: Nulls) -> Select[Any]:
        """The statement that gives the first rows in this order; see `keyset.ordered`."""

    def read(
        self,
        session: Session,
        built: Select[Any],
        orders: tuple[Order, ...],
        values: Mapping[str, Any],
        last: int,
        *,
        kept: bool,
    ) -> Part:
        """Run it.

        Args:
            last: the number of the row whose sort values are wanted, from 0.
            kept: whether the statement is remembered, and worth writing out for the driver.
        """


class Rows:
    """As rows: for pages of the portal, and for what is left out of objects or put into them."""

    def build(self, statement: Select[Any], orders: tuple[Order, ...], nulls: Nulls) -> Select[Any]:
        """See `Form`."""
        return ordered(with_exact(statement, orders), orders, nulls)

    def read(
        self,
        session: Session,
        built: Select[Any],
        orders: tuple[Order, ...],
        values: Mapping[str, Any],
        last: int,
        *,
        kept: bool,  # noqa: ARG002 - see `Form`
    ) -> Part:
        """See `Form`."""
        rows = read_rows(session, built, values)
        return Part(rows, None if len(rows) <= last else sort_values(rows[last], orders))


@dataclass(frozen=True, slots=True)
class Documents:
    """As JSON texts."""

    document: Document

    def build(self, statement: Select[Any], orders: tuple[Order, ...], nulls: Nulls) -> Select[Any]:
        """See `Form`. One row: the texts, how many are missing, and one row's sort values where no text tells them.

        Both databases keep the order of the page where it is read. PostgreSQL hands an aggregate its rows as they come,
        and reads a materialized CTE from its beginning. SQLite keeps a subquery's ORDER BY when it has a LIMIT, or is
        read by an aggregate such as group_concat, and puts it into its place by rowid.
        """
        values = [order.column.label(f"sorted_by_{number}") for number, order in enumerate(orders)]
        page = ordered(statement.with_only_columns(self.document.text.label("document"), *values), orders, nulls)
        if self._tells(orders):
            return _whole(page.subquery("page"))
        kept = page.cte("page")
        whole = _whole(kept).subquery("whole")
        one = select(*(kept.c[value.name] for value in values)).limit(literal_column("1"))
        last = one.offset(bindparam("last_row", type_=Integer)).subquery("last")
        return select(whole, last).select_from(whole.outerjoin(last, true()))

    def _tells(self, orders: tuple[Order, ...]) -> bool:
        return all(order.name in self.document.exact for order in orders)

    def read(
        self,
        session: Session,
        built: Select[Any],
        orders: tuple[Order, ...],
        values: Mapping[str, Any],
        last: int,
        *,
        kept: bool,
    ) -> Part:
        """See `Form`.

        Raises:
            Unwritten: a text is missing.
        """
        documents, missing, *sorted_by = _only_row(session, built, {**values, "last_row": last}, kept)
        if missing:
            raise Unwritten
        texts: list[str] = documents.split(SEPARATOR) if documents else []
        if len(texts) <= last:
            return Part(texts, None)
        if self._tells(orders):
            told = orjson.loads(texts[last])
            return Part(texts, [told[order.name] for order in orders])
        return Part(texts, sorted_by)


def _whole(page: FromClause) -> Select[*tuple[Any, ...]]:
    missing = func.count() - func.count(page.c.document)
    return select(joined(page.c.document).label("documents"), missing.label("missing"))


def _only_row(session: Session, built: Select[Any], values: Mapping[str, Any], kept: bool) -> Sequence[Any]:
    if kept and not session.in_transaction:
        # Of a driver's error SQLAlchemy knows what it means and what becomes of the connection: it may try again.
        with suppress(*DRIVER_ERRORS):
            found = DriverText.of(built, session.dialect).read_one(session, values)
            assert found is not None
            return found
    return session.execute(built, values).one()


def read_rows(session: Session, statement: Select[Any], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Plain dicts: reading fifty of SQLAlchemy's mappings costs more than the statement."""
    found = session.execute(statement, values)
    names = tuple(found.keys())
    return [dict(zip(names, row, strict=True)) for row in found.all()]


def with_exact(statement: Select[Any], orders: tuple[Order, ...]) -> Select[Any]:
    """The statement with what `sort_values` needs of its rows."""
    exact = [order.column.label(_sorted_by(order)) for order in orders if _is_moment(order)]
    return statement.add_columns(*exact) if exact else statement


def sort_values(row: Mapping[str, Any], orders: tuple[Order, ...]) -> list[Any]:
    """What a row is sorted by; None for what the statement that gave it was not sorted by."""
    return [row.get(_sorted_by(order)) for order in orders]


def _is_moment(order: Order) -> bool:
    return isinstance(order.column.type, Moment)


def _sorted_by(order: Order) -> str:
    """The member of a row that holds its sort value; of a time the exact one, in whatever form the row shows it."""
    return f"exact_{order.name}" if _is_moment(order) else order.name
