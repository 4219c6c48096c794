"""The types of metadata fields: what each takes, in which form it is kept, and where the side table holds it. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import orjson

from ..clock import parse_rfc3339, rfc3339

LONGEST_STRING = 500
LONGEST_TEXT = 10_000
LONGEST_URL = 2000
LARGEST_JSON = 16 * 1024
MOST_ITEMS = 200
_INT64 = 2**63
# A double holds every whole number up to here exactly.
_EXACT_DOUBLE = 2**53
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})")


class Unfit(ValueError):
    """A value that a field cannot take.

    Attributes:
        code: a stable word for programs.
        step: where in the value, as the end of a JSON pointer.
    """

    def __init__(self, code: str, message: str, step: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.step = step


@dataclass(frozen=True, slots=True)
class ValueType:
    """One type of field.

    Attributes:
        read: gives a value in the form in which it is kept, or raises `Unfit`.
        column: where `metadata_values` holds it; None for a row that only says that there is a value.
        side: what the column holds, when that is not the value itself.
        bounds: what `min` and `max` are about: the `value`, its `length`, or nothing.
        has_pattern: whether a pattern may be asked of it.
        has_options: whether the definition lists what it may be.
    """

    read: Callable[[Any], Any]
    column: str | None
    side: Callable[[Any], Any] = lambda value: value
    bounds: str = ""
    has_pattern: bool = False
    has_options: bool = False


def _text_of(longest: int, hint: str = "") -> Callable[[Any], Any]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or "\0" in value:
            raise Unfit("type", "Give a text without NUL characters.")
        if len(value) > longest:
            raise Unfit("length", f"Keep the text to {longest:,} characters{hint}.")
        return value

    return read


def _integer(value: Any) -> int:
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT_DOUBLE:
        value = int(value)
    if type(value) is not int:
        raise Unfit("type", "Give a whole number.")
    if not -_INT64 <= value < _INT64:
        raise Unfit("type", "Give a whole number of 64 bits.")
    return value


def _number(value: Any) -> int | float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise Unfit("type", "Give a number.")
    return value  # type: ignore[no-any-return]  # the type was checked above


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unfit("type", "Give `true` or `false`.")
    return value


def _date(value: Any) -> str:
    try:
        if not isinstance(value, str) or not _DATE.fullmatch(value):
            raise ValueError
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise Unfit("type", "Give a date of the calendar as `YYYY-MM-DD`, such as `2026-01-31`.") from None


def _datetime(value: Any) -> str:
    try:
        if not isinstance(value, str) or not _DATETIME.fullmatch(value.upper()):
            raise ValueError
        return rfc3339(parse_rfc3339(value.upper()))
    except (ValueError, OverflowError):
        raise Unfit("type", "Give an RFC 3339 time with its offset, such as `2026-01-31T18:30:00Z`.") from None


def _url(value: Any) -> str:
    if not isinstance(value, str):
        raise Unfit("type", "Give a URL.")
    if len(value) > LONGEST_URL:
        raise Unfit("length", f"Keep the URL to {LONGEST_URL:,} characters.")
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and parts.username is None
    except ValueError:
        usable = False
    if not usable or not all("!" <= character <= "~" for character in value):
        raise Unfit("type", "Give an absolute http or https URL in ASCII, without spaces or a user name.")
    return value


def _list(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Unfit("type", "Give a list of options.")
    if len(value) > MOST_ITEMS:
        raise Unfit("length", f"Keep the list to {MOST_ITEMS} options.")
    for index, item in enumerate(value):
        if item in value[:index]:
            raise Unfit("duplicate", f"{item!r} is in the list twice.", f"/{index}")
    return value


def read_json(value: Any) -> Any:
    """A document of any kind, as long as it is small: what a field of type `json` and an undefined key hold."""
    try:
        size = len(orjson.dumps(value))
    except (TypeError, ValueError):
        raise Unfit("type", "Give a JSON value that is not nested too deep.") from None
    if size > LARGEST_JSON:
        raise Unfit("length", f"Keep the value to {LARGEST_JSON:,} bytes of JSON.")
    return value


TYPES: dict[str, ValueType] = {
    "string": ValueType(
        _text_of(LONGEST_STRING, "; a field of type `text` takes more"), "text_value", bounds="length", has_pattern=True
    ),
    "text": ValueType(_text_of(LONGEST_TEXT), "long_value", bounds="length", has_pattern=True),
    "integer": ValueType(_integer, "number_value", bounds="value"),
    "number": ValueType(_number, "number_value", bounds="value"),
    "boolean": ValueType(_boolean, "number_value", side=int),
    "date": ValueType(_date, "text_value", bounds="value"),
    "datetime": ValueType(_datetime, "time_value", side=parse_rfc3339, bounds="value"),
    "enum": ValueType(_text_of(LONGEST_STRING), "text_value", has_options=True),
    "enum_list": ValueType(_list, "text_value", bounds="length", has_options=True),
    "url": ValueType(_url, "text_value", bounds="length", has_pattern=True),
    "json": ValueType(read_json, None),
}
COLUMNS = ("text_value", "number_value", "time_value", "long_value")


def side_columns(type_word: str, value: Any) -> list[dict[str, Any]]:
    """What the rows of a value hold, `item` first: one row, but one for each item of a list that is not empty.

    A value that was there before its field is brought into form; one that is not of the type has no row.
    """
    kind, none = TYPES[type_word], dict.fromkeys(COLUMNS)
    try:
        read = kind.read(value)
    except Unfit:
        return []
    if kind.column is None or read == []:
        return [{"item": 0, **none}]
    items = read if isinstance(read, list) else [read]
    return [{"item": index, **none, kind.column: kind.side(item)} for index, item in enumerate(items)]
