"""Filters of lists: `field=v`, `field[op]=v`. Anything unknown is a `BadQuery` that names what is allowed."""

from __future__ import annotations

import math
import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Integer, and_, func, literal, or_

from .clock import parse_rfc3339
from .db import Json, Moment, has_member
from .errors import BadQuery
from .list_spec import Sortable

# PostgreSQL's INTEGER; a larger number would be an error there and match nothing here.
LARGEST_INTEGER = 2**31 - 1
# A statement's values are limited, and nobody reads a list through a thousand of them.
LARGEST_IN = 200
# No name or status is longer, and every value is bound into a statement.
LONGEST_TEXT = 1000
MOST_WORDS = 10
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def quoted(names: Iterable[str]) -> str:
    """The names as a sentence shows them."""
    return ", ".join(f"`{name}`" for name in names)


def _lower_ascii(text: str) -> str:
    return text.translate({ord(letter): letter.lower() for letter in string.ascii_uppercase})


def _contains(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """SQLite's LIKE takes no notice of the case of ASCII letters, PostgreSQL's does: here neither does."""
    return func.lower(column).contains(_lower_ascii(text), autoescape=True)


OPERATORS: dict[str, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    "eq": lambda column, value: column == value,
    "ne": lambda column, value: column.is_distinct_from(value),
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
    # Each with a mark of its own: a statement with as many serves every call.
    "in": lambda column, values: column.in_([literal(value, column.type) for value in values]),
    "contains": _contains,
    "isnull": lambda column, value: column.is_(None) if value else column.is_not(None),
}
_EXACT = ("eq", "ne", "in", "isnull")
_COMPARED = tuple(name for name in OPERATORS if name != "contains")
# What values of each type can be compared by.
OPERATORS_BY_WORD: dict[str, tuple[str, ...]] = {
    "text": tuple(OPERATORS),
    "boolean": _EXACT,
    "integer": _COMPARED,
    "number": _COMPARED,
    "date": _COMPARED,
    "time": _COMPARED,
    "members": ("eq", "in"),
}


@dataclass(frozen=True, slots=True)
class Term:
    """One filter as it was given: `name[operator]=text`."""

    parameter: str
    name: str
    operator: str
    text: str

    @classmethod
    def of(cls, parameter: str, text: str) -> Term | None:
        """The parameter taken apart; None when its brackets make no sense."""
        name, bracket, rest = parameter.partition("[")
        if bracket and not rest.endswith("]"):
            return None
        return cls(parameter, name, rest.removesuffix("]") if bracket else "eq", text)

    def require(self, operators: Iterable[str]) -> None:
        """Raise `BadQuery` unless the operator is among these."""
        if self.operator not in operators:
            raise BadQuery(
                self.parameter[:200],
                f"`{self.name[:60]}` has no operator {self.operator[:40]!r}; there are {quoted(operators)}.",
            )

    def value(self, word: str, choices: Sequence[str] | None = None) -> Any:
        """What the text says, a list of it for `in`. `word`: see `type_word`.

        Raises:
            BadQuery: it is no such value.
        """
        if self.operator == "isnull":
            return boolean(self.parameter, self.text)
        texts = self.text.split(",", LARGEST_IN) if self.operator == "in" else [self.text]
        if len(texts) > LARGEST_IN:
            raise BadQuery(self.parameter, f"`{self.parameter}` takes at most {LARGEST_IN} values.")
        if choices is not None and self.operator in _EXACT:
            for unknown in (text for text in texts if text not in choices):
                told = f"`{self.name}` is never {unknown[:40]!r}; it is one of {quoted(choices)}."
                if "," in unknown:
                    told += f" For several of them write `{self.name}[in]={unknown[:200]}`."
                raise BadQuery(self.parameter, told)
        parsed = [_VALUES[word](self.parameter, text) for text in texts]
        return parsed if self.operator == "in" else parsed[0]


def condition(fields: Mapping[str, Sortable], term: Term) -> ColumnElement[bool]:
    """What a filter by one of the fields asks for.

    Raises:
        BadQuery: the field has no such operator, or the value is of the wrong kind.
    """
    field = fields[term.name]
    term.require(operators_of(field.column))
    word = type_word(field.column)
    value = term.value(word, field.choices)
    if word == "members":
        return or_(*(has_member(field.column, name) for name in (value if term.operator == "in" else [value])))
    return OPERATORS[term.operator](field.column, value)


def search(columns: Sequence[ColumnElement[Any]], text: str) -> ColumnElement[bool]:
    """Rows in which every word of `text` is found in one of the columns, as `contains` finds it.

    Raises:
        BadQuery: no word, or too many.
    """
    words = _text("q", text).split()
    if not 1 <= len(words) <= MOST_WORDS:
        raise BadQuery("q", f"`q` must hold 1 to {MOST_WORDS} words.")
    return and_(*(or_(*(_contains(column, word) for column in columns)) for word in words))


def operators_of(column: ColumnElement[Any]) -> tuple[str, ...]:
    """What a column can be compared by."""
    return OPERATORS_BY_WORD[type_word(column)]


def type_word(column: ColumnElement[Any]) -> str:
    """`time`, `boolean`, `integer`, `text`, or `members` for those of a JSON object."""
    if isinstance(column.type, Moment):
        return "time"
    if isinstance(column.type, Json):
        return "members"
    if isinstance(column.type, Boolean):
        return "boolean"
    return "integer" if isinstance(column.type, Integer) else "text"


def boolean(parameter: str, text: str) -> bool:
    """`true` or `false`.

    Raises:
        BadQuery: neither.
    """
    if text not in ("true", "false"):
        raise BadQuery(parameter, f"`{parameter}` must be `true` or `false`.")
    return text == "true"


def number_of(text: str) -> Decimal:
    """The number.

    Raises:
        ValueError: it is none, of too many digits, or larger than any that is stored.
    """
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise ValueError(text)
    return Decimal(text)


def _integer(parameter: str, text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10 and abs(int(text)) <= LARGEST_INTEGER):
        raise BadQuery(parameter, f"`{parameter}` must be a whole number.")
    return int(text)


def _number(parameter: str, text: str) -> Decimal:
    try:
        return number_of(text)
    except ValueError:
        raise BadQuery(parameter, f"`{parameter}` must be a number such as 24 or 23.976.") from None


def _date(parameter: str, text: str) -> str:
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise BadQuery(parameter, f"`{parameter}` must be a date such as 2026-01-31.") from None


def _time(parameter: str, text: str) -> Any:
    try:
        return parse_rfc3339(text)
    except (ValueError, OverflowError):
        raise BadQuery(parameter, f"`{parameter}` must be a time such as 2026-01-01T00:00:00Z.") from None


def _text(parameter: str, text: str) -> str:
    if "\0" in text:
        raise BadQuery(parameter, f"`{parameter}` must not hold a NUL character.")
    if len(text) > LONGEST_TEXT:
        raise BadQuery(parameter, f"Keep `{parameter}` to {LONGEST_TEXT:,} characters.")
    return text


_VALUES: dict[str, Callable[[str, str], Any]] = {
    "text": _text,
    "boolean": boolean,
    "integer": _integer,
    "number": _number,
    "date": _date,
    "time": _time,
    "members": _text,
}
