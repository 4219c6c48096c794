"""Reading JSON as RFC 8259 means it, and refusing what two readers could read differently."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NoReturn

DEEPEST = 32
LONGEST_NUMBER = 40


class BadJson(ValueError):
    """The body is not acceptable JSON. The message says why."""


def load_strict(body: bytes) -> Any:
    """The value of a JSON document.

    Raises:
        BadJson: not UTF-8, a byte order mark, not JSON, NaN or Infinity, a key given twice, nesting over 32 levels,
            a number that cannot be kept exactly, a NUL character or half of a surrogate pair.
    """
    if body.startswith(b"\xef\xbb\xbf"):
        raise BadJson("The body must not begin with a byte order mark.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadJson(f"The body is not UTF-8: byte {error.start} cannot be read.") from None
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_int=read_integer, parse_float=_float
        )
        _check(value, 1)
    except json.JSONDecodeError as error:
        raise BadJson(f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise BadJson(f"The body is nested more than {DEEPEST} levels deep.") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise BadJson(f"The key {twice[:60]!r} is given twice in one object.")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise BadJson(f"{name} is not JSON.")


def read_integer(digits: str) -> int:
    """A whole number. Raises `BadJson` for one that cannot be kept."""
    if len(digits) > LONGEST_NUMBER or not -(2**63) <= int(digits) < 2**64:
        raise BadJson("A whole number is too large: keep to 64 bits, or send it as a string.")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise BadJson("A number is too large.")
    return value


def _check(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise BadJson(f"The body is nested more than {DEEPEST} levels deep.")
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, dict):
        for name, item in value.items():
            check_text(name)
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)


def check_text(text: str) -> None:
    """Raises `BadJson` for a text that cannot be kept."""
    if "\0" in text:
        raise BadJson("A text holds a NUL character.")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise BadJson("A text holds half of a surrogate pair.")
