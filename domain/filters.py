"""Filters of lists: `field=v`, `field[op]=v`. Anything unknown is a `BadQuery` that names what is allowed."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Integer, func

from .clock import parse_rfc3339
from .db import Moment
from .errors import BadQuery

# PostgreSQL's INTEGER; a larger number would be an error there and match nothing here.
LARGEST_INTEGER = 2**31 - 1
# A statement's values are limited, and nobody reads a list through a thousand of them.
LARGEST_IN = 200
# No name or status is longer, and every value is bound into a statement.
LONGEST_TEXT = 1000


def quoted(names: Iterable[str]) -> str:
    """The names as a sentence shows them."""
    return ", ".join(f"`{name}`" for name in names)


def _lower_ascii(text: str) -> str:
    return text.translate({ord(letter): letter.lower() for letter in string.ascii_uppercase})


OPERATORS: dict[str, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    "eq": lambda column, value: column == value,
    "ne": lambda column, value: column.is_distinct_from(value),
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
    "in": lambda column, values: column.in_(values),
    # SQLite's LIKE takes no notice of the case of ASCII letters, PostgreSQL's does: here neither does.
    "contains": lambda column, value: func.lower(column).contains(_lower_ascii(value), autoescape=True),
    "isnull": lambda column, value: column.is_(None) if value else column.is_not(None),
}


def condition(
    columns: Mapping[str, ColumnElement[Any]], parameter: str, text: str, others: Iterable[str] = ()
) -> ColumnElement[bool]:
    """What the parameter `name[operator]` asks for with the value `text`.

    Args:
        columns: what may be filtered, by name.
        others: further parameters that a refusal should name.

    Raises:
        BadQuery: an unknown name or operator, or a value of the wrong kind.
    """
    name, bracket, rest = parameter.partition("[")
    operator = rest.removesuffix("]") if bracket else "eq"
    if name not in columns or (bracket and not rest.endswith("]")):
        allowed = quoted([*columns, *others])
        raise BadQuery(parameter[:60], f"There is no query parameter {parameter[:60]!r} here; there are {allowed}.")
    column = columns[name]
    allowed_operators = operators_of(column)
    if operator not in allowed_operators:
        raise BadQuery(parameter, f"`{name}` has no operator {operator[:40]!r}; there are {quoted(allowed_operators)}.")
    if operator == "isnull":
        return OPERATORS[operator](column, _boolean(parameter, text))
    values = text.split(",", LARGEST_IN) if operator == "in" else [text]
    if len(values) > LARGEST_IN:
        raise BadQuery(parameter, f"`{parameter}` takes at most {LARGEST_IN} values.")
    parsed = [_value(parameter, column, value) for value in values]
    return OPERATORS[operator](column, parsed if operator == "in" else parsed[0])


def operators_of(column: ColumnElement[Any]) -> list[str]:
    """What a column can be compared by."""
    without = {"text": (), "boolean": ("gt", "gte", "lt", "lte", "contains")}.get(type_word(column), ("contains",))
    return [name for name in OPERATORS if name not in without]


def type_word(column: ColumnElement[Any]) -> str:
    """`time`, `boolean`, `integer` or `text`."""
    if isinstance(column.type, Moment):
        return "time"
    if isinstance(column.type, Boolean):
        return "boolean"
    return "integer" if isinstance(column.type, Integer) else "text"


def _boolean(parameter: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise BadQuery(parameter, f"`{parameter}` must be `true` or `false`.")
    return text == "true"


def _value(parameter: str, column: ColumnElement[Any], text: str) -> Any:
    word = type_word(column)
    if word == "boolean":
        return _boolean(parameter, text)
    if word == "integer":
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 10 and abs(int(text)) <= LARGEST_INTEGER):
            raise BadQuery(parameter, f"`{parameter}` must be a whole number.")
        return int(text)
    if word == "time":
        try:
            return parse_rfc3339(text)
        except (ValueError, OverflowError):
            raise BadQuery(parameter, f"`{parameter}` must be a time such as 2026-01-01T00:00:00Z.") from None
    if "\0" in text:
        raise BadQuery(parameter, f"`{parameter}` must not hold a NUL character.")
    if len(text) > LONGEST_TEXT:
        raise BadQuery(parameter, f"Keep `{parameter}` to {LONGEST_TEXT:,} characters.")
    return text
