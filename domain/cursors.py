"""Cursors: the sort values of a page's last row, as URL-safe text. Bound to the sort they were made with."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from .clock import parse_rfc3339, rfc3339
from .errors import BadQuery
from .filters import LARGEST_INTEGER, number_of

PLAIN: dict[str, type] = {"integer": int, "boolean": bool, "text": str, "date": str}


def signature_of(terms: Iterable[tuple[str, bool]]) -> str:
    """What marks the cursors of one sort: its names, each with whether it descends."""
    return hashlib.sha256(",".join(f"{name}{descending}" for name, descending in terms).encode()).hexdigest()[:8]


def encode(signature: str, values: Iterable[Any]) -> str:
    """The cursor after a row with these sort values."""
    return base64.urlsafe_b64encode(orjson.dumps([signature, *map(_plain, values)])).decode().rstrip("=")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339_exact(value)
    return str(value) if isinstance(value, Decimal) else value


def rfc3339_exact(moment: datetime) -> str:
    """Like `rfc3339`, but no finer digit of the stored time is lost."""
    return moment.isoformat() if moment.microsecond % 1000 else rfc3339(moment)


def refusal() -> BadQuery:
    """What is said of any text that is no cursor of this list."""
    return BadQuery("cursor", "`cursor` must be the `page.next` of a list with the same `sort`.")


def decode(text: str, signature: str, count: int) -> list[Any]:
    """The values of a cursor, each still to be read by `value`.

    Raises:
        BadQuery: it is damaged, or of another sort.
    """
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        found, *values = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if found != signature or len(values) != count:
            raise ValueError
    except (ValueError, TypeError):
        raise refusal() from None
    return list(values)


def value(word: str, plain: Any, *, nullable: bool) -> Any:
    """One value of a cursor, of the type that `word` names (see `filters.type_word`).

    Raises:
        BadQuery: it cannot be a value of such a column.
    """
    try:
        if plain is None and nullable:
            return None
        if word == "time":
            return parse_rfc3339(plain)
        if word == "number":
            return number_of(plain if type(plain) is str else repr(plain))
        _check(plain, PLAIN[word])
    except (ValueError, TypeError, OverflowError):
        raise refusal() from None
    return plain


def _check(plain: Any, expected: type) -> None:
    if type(plain) is not expected:
        raise ValueError
    if (isinstance(plain, int) and abs(plain) > LARGEST_INTEGER) or (isinstance(plain, str) and "\0" in plain):
        raise ValueError


def values(words: Sequence[tuple[str, bool]], plain: Sequence[Any]) -> tuple[Any, ...]:
    """Every value of a cursor; `words`: each one's type, and whether it may be null."""
    pairs = zip(words, plain, strict=True)
    return tuple(value(word, one, nullable=nullable) for (word, nullable), one in pairs)
