"""One grammar for every list: filters, sort and keyset paging, the same in the API and the portal.

`field=v`, `field[op]=v`, `sort=-created_at,name`, `limit`, `cursor`. Anything unknown is a `BadQuery` that names what
is allowed. A page costs the same wherever it starts: the cursor holds the last row's sort values, never an offset.
NULLs sort last, text by code point, the id breaks ties.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, RowMapping, Select, and_, false, literal, or_, tuple_

from .clock import parse_rfc3339, rfc3339
from .db import Session
from .errors import BadQuery
from .filters import LARGEST_INTEGER, condition, quoted, type_word

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200
PAGING = ("limit", "cursor", "sort")
# Databases limit how deep conditions are nested.
MOST_PARAMETERS = 50


@dataclass(frozen=True, slots=True)
class Sortable:
    """A field that a list may be filtered and sorted by."""

    column: ColumnElement[Any]
    sortable: bool = True

    @classmethod
    def from_columns(cls, columns: Mapping[str, ColumnElement[Any]]) -> dict[str, Sortable]:
        """Every column filterable and sortable under its name."""
        return {name: cls(column) for name, column in columns.items()}


@dataclass(frozen=True, slots=True)
class ListSpec:
    """What a list offers.

    Attributes:
        id_column: breaks ties.
        fields: by the name used in queries.
        default_sort: the `sort` used when none is given.
    """

    id_column: ColumnElement[Any]
    fields: Mapping[str, Sortable]
    default_sort: str

    @property
    def sortable(self) -> list[str]:
        return sorted(name for name, field in self.fields.items() if field.sortable)


@dataclass(frozen=True, slots=True)
class Order:
    """One term of a sort."""

    name: str
    column: ColumnElement[Any]
    descending: bool

    @property
    def clause(self) -> ColumnElement[Any]:
        ordered = self.column.desc() if self.descending else self.column.asc()
        return ordered.nulls_last() if getattr(self.column, "nullable", False) else ordered


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A parsed list request, ready to be put on a SELECT."""

    conditions: tuple[ColumnElement[bool], ...]
    orders: tuple[Order, ...]
    limit: int
    after: tuple[Any, ...] | None
    signature: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows and the cursor of the next, None at the end."""

    rows: Sequence[RowMapping]
    next: str | None
    limit: int


def parse(spec: ListSpec, parameters: Iterable[tuple[str, str]], also: Iterable[str] = ()) -> ListQuery:
    """Read the query parameters of a list.

    Args:
        spec: what the list offers.
        parameters: name and value pairs as they came.
        also: names that the door handles itself.

    Raises:
        BadQuery: an unknown name, operator, field or sort key, or a value out of range.
    """
    conditions: list[ColumnElement[bool]] = []
    paging: dict[str, str] = {}
    columns, ignored = {name: field.column for name, field in spec.fields.items()}, set(also)
    for number, (name, value) in enumerate(parameters, 1):
        if number > MOST_PARAMETERS:
            raise BadQuery(name[:60], f"Keep to {MOST_PARAMETERS} query parameters.")
        if name in PAGING:
            if name in paging:
                raise BadQuery(name, f"`{name}` was given twice.")
            paging[name] = value
        elif name not in ignored:
            conditions.append(condition(columns, name, value, PAGING))
    orders = _orders(spec, paging.get("sort") or spec.default_sort)
    signature = hashlib.sha256(",".join(f"{o.name}{o.descending}" for o in orders).encode()).hexdigest()[:8]
    after = _decode_cursor(paging["cursor"], orders, signature) if paging.get("cursor") else None
    return ListQuery(tuple(conditions), orders, _limit(paging.get("limit")), after, signature)


def fetch(session: Session, query: ListQuery, statement: Select[Any]) -> Page:
    """Run one page of `statement`; its columns must include those of the sort and `id`."""
    statement = statement.where(*query.conditions).order_by(*(order.clause for order in query.orders))
    if query.after is not None:
        statement = statement.where(_after(query.orders, query.after))
    rows = session.execute(statement.limit(query.limit + 1)).mappings().all()
    if len(rows) <= query.limit:
        return Page(rows, None, query.limit)
    last = rows[query.limit - 1]
    return Page(rows[: query.limit], _encode_cursor(last, query), query.limit)


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= LARGEST_LIMIT:
        raise BadQuery("limit", f"`limit` must be a whole number from 1 to {LARGEST_LIMIT}.")
    return int(text)


def _orders(spec: ListSpec, sort: str) -> tuple[Order, ...]:
    orders: list[Order] = []
    for term in sort.split(","):
        name = term.removeprefix("-")
        if name not in spec.sortable:
            raise BadQuery("sort", f"`sort` cannot use {name[:60]!r}; it may name {quoted(spec.sortable)}.")
        if any(order.name == name for order in orders):
            raise BadQuery("sort", f"`sort` names {name!r} twice.")
        orders.append(Order(name, spec.fields[name].column, term.startswith("-")))
    if all(order.name != "id" for order in orders):
        orders.append(Order("id", spec.id_column, orders[0].descending))
    return tuple(orders)


def _encode_cursor(row: RowMapping, query: ListQuery) -> str:
    values = [row[order.name] for order in query.orders]
    plain = [rfc3339_exact(value) if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(orjson.dumps([query.signature, *plain])).decode().rstrip("=")


def rfc3339_exact(moment: datetime) -> str:
    """Like `rfc3339`, but no finer digit of the stored time is lost."""
    return moment.isoformat() if moment.microsecond % 1000 else rfc3339(moment)


def _decode_cursor(text: str, orders: tuple[Order, ...], signature: str) -> tuple[Any, ...]:
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        found, *values = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if found != signature or len(values) != len(orders):
            raise ValueError
        return tuple(_cursor_value(order, value) for order, value in zip(orders, values, strict=True))
    except (ValueError, TypeError, OverflowError):
        raise BadQuery("cursor", "`cursor` must be the `page.next` of a list with the same `sort`.") from None


def _cursor_value(order: Order, value: Any) -> Any:
    word = type_word(order.column)
    if value is None:
        return None
    if word == "time":
        return parse_rfc3339(value)
    expected = {"integer": int, "boolean": bool, "text": str}[word]
    if type(value) is not expected:
        raise ValueError
    if (isinstance(value, int) and abs(value) > LARGEST_INTEGER) or (isinstance(value, str) and "\0" in value):
        raise ValueError
    return value


def _after(orders: tuple[Order, ...], values: tuple[Any, ...]) -> ColumnElement[bool]:
    """Rows past the cursor. One direction and no NULLs: a row comparison, which an index answers."""
    directions = {order.descending for order in orders}
    nullable = any(getattr(order.column, "nullable", False) for order in orders)
    if len(directions) == 1 and not nullable:
        left = tuple_(*(order.column for order in orders))
        right = tuple_(*(literal(value, order.column.type) for order, value in zip(orders, values, strict=True)))
        return left < right if directions.pop() else left > right
    steps: list[ColumnElement[bool]] = []
    for index, order in enumerate(orders):
        same = [_same(o.column, v) for o, v in itertools.islice(zip(orders, values, strict=True), index)]
        steps.append(and_(*same, _past(order, values[index])))
    return or_(*steps)


def _same(column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    return column.is_(None) if value is None else column == value


def _past(order: Order, value: Any) -> ColumnElement[bool]:
    if value is None:  # NULLs are last: nothing follows but ties
        return false()
    bound = literal(value, order.column.type)
    further = order.column < bound if order.descending else order.column > bound
    return or_(further, order.column.is_(None)) if getattr(order.column, "nullable", False) else further
