"""A webhook's filter and headers as text: one condition or header a line, read and written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from marshmallow import ValidationError

from domain.webhooks.filters import read_filter
from domain.webhooks.headers import check_headers

from ..formatting import plain


def read_conditions(text: str) -> dict[str, Any] | None:
    """The filter of lines such as `data.status = approved` and `data.position[gte] = 10`; None for no lines.

    A value that is JSON is what JSON says, any other a text. `in` takes values with commas between, or a JSON list.

    Raises:
        ValidationError: of the field `filter`, a line that is no condition; it says which and why.
    """
    found: dict[str, Any] = {}
    for number, line in _lines(text):
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals:
            _refuse("filter", number, "Write a path, an equals sign and a value, as in data.status = approved.")
        if name in found:
            _refuse("filter", number, "This condition is there already; for one of several values use [in].")
        found[name] = _listed(value) if name.endswith("[in]") else _value(value)
        _, errors = read_filter({name: found[name]})
        if errors:
            _refuse("filter", number, plain(errors[0].message))
    return found or None


def write_conditions(given: Mapping[str, Any] | None) -> str:
    """What `read_conditions` reads as this filter."""
    return "\n".join(f"{name} = {_written(value)}" for name, value in (given or {}).items())


def read_headers(text: str) -> dict[str, str]:
    """The headers of lines such as `X-Studio-Key: a value`.

    Raises:
        ValidationError: of the field `headers`, a line that is no header; it says which and why, and holds no value.
    """
    found: dict[str, str] = {}
    for number, line in _lines(text):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon:
            _refuse("headers", number, "Write a name, a colon and a value, as in X-Studio-Key: a value.")
        if name.lower() in map(str.lower, found):
            _refuse("headers", number, "This header is there already.")
        found[name] = value
        for error in check_headers({name: value}):
            _refuse("headers", number, plain(error.message))
    return found


def _lines(text: str) -> list[tuple[int, str]]:
    return [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _refuse(field: str, number: int, message: str) -> NoReturn:
    raise ValidationError(f"Line {number}: {message}", field)


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except ValueError:
        return text


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _listed(text: str) -> Any:
    value = _value(text)
    return value if isinstance(value, list) else [_value(part.strip()) for part in text.split(",")]


def _written(value: Any) -> str:
    """A text as it is, where it is read as one, and a list with commas where it is read as such; else JSON."""
    if isinstance(value, list):
        text = ", ".join(map(_written, value))
        return text if json.dumps(_listed(text)) == json.dumps(value) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value == value.strip() != "" and value.isprintable() and _value(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)
