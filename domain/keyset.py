"""Keyset paging: ORDER BY, and the condition that leads past the last row of the page before.

The values come with the execution, so that one statement serves every page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Integer, Select, and_, bindparam, false, or_, tuple_


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """One term of a sort."""

    name: str
    column: ColumnElement[Any]
    descending: bool
    nullable: bool = False

    @classmethod
    def by(cls, name: str, column: ColumnElement[Any], descending: bool) -> Order:
        """By a column, NULLs last if it has any."""
        return cls(name, column, descending, bool(getattr(column, "nullable", False)))

    @property
    def clause(self) -> ColumnElement[Any]:
        """Its part of ORDER BY."""
        term = self.column.desc() if self.descending else self.column.asc()
        return term.nulls_last() if self.nullable else term


MOST_ROWS = bindparam("page_rows", type_=Integer)
# Which values of the row before are NULL; None: there is no row before.
Nulls = tuple[bool, ...] | None


def nulls_of(after: Sequence[Any] | None) -> Nulls:
    """What `ordered` must know of the row before."""
    return None if after is None else tuple(value is None for value in after)


def page_values(after: Sequence[Any] | None, most: int) -> dict[str, Any]:
    """The values that a statement of `ordered` is executed with."""
    found: dict[str, Any] = {"page_rows": most}
    for number, value in enumerate(after or ()):
        if value is not None:
            found[f"after_{number}"] = value
    return found


def ordered(statement: Select[Any], orders: tuple[Order, ...], nulls: Nulls) -> Select[Any]:
    """The first rows in this order; those past a row, if there is one. To be executed with `page_values`."""
    return past_row(statement, orders, nulls).order_by(*(order.clause for order in orders)).limit(MOST_ROWS)


def past_row(statement: Select[Any], orders: tuple[Order, ...], nulls: Nulls) -> Select[Any]:
    """Those rows that follow another in this order, if there is one. To be executed with `page_values`."""
    return statement if nulls is None else statement.where(_past_row(orders, nulls))


def _past_row(orders: tuple[Order, ...], nulls: Sequence[bool]) -> ColumnElement[bool]:
    """One direction and no NULLs: a row comparison, which an index answers."""
    bounds = [bindparam(f"after_{number}", type_=order.column.type) for number, order in enumerate(orders)]
    directions = {order.descending for order in orders}
    if len(directions) == 1 and not any(order.nullable for order in orders):
        left, right = tuple_(*(order.column for order in orders)), tuple_(*bounds)
        return left < right if directions.pop() else left > right
    terms = list(zip(orders, bounds, nulls, strict=True))
    steps = [and_(*(_same(*earlier) for earlier in terms[:number]), _past(*term)) for number, term in enumerate(terms)]
    first = orders[0]
    if first.nullable:
        return or_(*steps)
    # Follows from the steps, and is what an index of the first column can start from.
    start = first.column <= bounds[0] if first.descending else first.column >= bounds[0]
    return and_(start, or_(*steps))


def _same(order: Order, bound: BindParameter[Any], is_null: bool) -> ColumnElement[bool]:
    return order.column.is_(None) if is_null else order.column == bound


def _past(order: Order, bound: BindParameter[Any], is_null: bool) -> ColumnElement[bool]:
    if is_null:  # NULLs are last: nothing follows but ties
        return false()
    further = order.column < bound if order.descending else order.column > bound
    return or_(further, order.column.is_(None)) if order.nullable else further
