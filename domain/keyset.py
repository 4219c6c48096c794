"""Keyset paging: ORDER BY, and the condition that leads past the last row of the page before."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, literal, or_, tuple_


@dataclass(frozen=True, slots=True)
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


def ordered(statement: Select[Any], orders: tuple[Order, ...], after: tuple[Any, ...] | None) -> Select[Any]:
    """The rows in this order; those past the row with these values, if there is one."""
    statement = statement.order_by(*(order.clause for order in orders))
    return statement if after is None else statement.where(_past_row(orders, after))


def _past_row(orders: tuple[Order, ...], values: tuple[Any, ...]) -> ColumnElement[bool]:
    """One direction and no NULLs: a row comparison, which an index answers."""
    bounds = [literal(value, order.column.type) for order, value in zip(orders, values, strict=True)]
    directions = {order.descending for order in orders}
    if len(directions) == 1 and not any(order.nullable for order in orders):
        left, right = tuple_(*(order.column for order in orders)), tuple_(*bounds)
        return left < right if directions.pop() else left > right
    steps: list[ColumnElement[bool]] = []
    for index, order in enumerate(orders):
        same = [_same(o.column, v) for o, v in itertools.islice(zip(orders, values, strict=True), index)]
        steps.append(and_(*same, _past(order, values[index], bounds[index])))
    first = orders[0]
    if first.nullable:
        return or_(*steps)
    # Follows from the steps, and is what an index of the first column can start from.
    start = first.column <= bounds[0] if first.descending else first.column >= bounds[0]
    return and_(start, or_(*steps))


def _same(column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    return column.is_(None) if value is None else column == value


def _past(order: Order, value: Any, bound: ColumnElement[Any]) -> ColumnElement[bool]:
    if value is None:  # NULLs are last: nothing follows but ties
        return false()
    further = order.column < bound if order.descending else order.column > bound
    return or_(further, order.column.is_(None)) if order.nullable else further
