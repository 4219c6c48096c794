"""A webhook's filter: conditions on the body of an event, in the grammar of the API's queries.

`{"data.status": "approved", "data.position[gte]": 10}`: all of them must hold. `domain.deliveries.matching`
says them in SQL.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from ..entity_rules import escaped
from ..errors import FieldError
from ..filters import LARGEST_IN, LONGEST_TEXT, OPERATORS, Term, quoted

MOST_CONDITIONS, LONGEST_PATH, DEEPEST_PATH = 20, 200, 8
ROOTS = ("data", "changes")
_STEP = re.compile(r"[^\x00-\x1f\x7f\"\\.\[\]]+")
# What one database takes for the place of an item in a list, and the other for a name.
_PLACE = re.compile(r"\s*[+-]?[0-9]+")


class _Mistake(ValueError):
    """Why a condition cannot be used: a code, and a sentence that says what can."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition as it is kept.

    Attributes:
        value: of `eq`, `ne` and `in` a list in JSON; else the text, the number or the boolean, written out.
        value_number: where it is compared as a number.
    """

    path: str
    op: str
    value: str
    value_number: float | None = None


def read_filter(given: Mapping[str, Any] | None) -> tuple[list[Condition], list[FieldError]]:
    """The conditions of a filter, and the mistakes in it."""
    if given is None:
        return [], []
    if not 1 <= len(given) <= MOST_CONDITIONS:
        message = f'Give 1 to {MOST_CONDITIONS} conditions such as {{"data.status": "approved"}}, or null for none.'
        return [], [FieldError("/filter", "length", message)]
    conditions, errors = [], []
    for name, value in given.items():
        try:
            conditions.append(_condition(name, value))
        except _Mistake as mistake:
            errors.append(FieldError(f"/filter/{escaped(name[:LONGEST_PATH])}", mistake.code, str(mistake)))
    return conditions, errors


def _condition(name: str, value: Any) -> Condition:
    term = Term.of(name, "")
    if term is None or term.operator not in OPERATORS:
        message = f"Write the operator in brackets behind the path; there are {quoted(OPERATORS)}."
        raise _Mistake("operator", message)
    _check_path(term.name)
    return _READERS.get(term.operator, _ordered)(term.name, term.operator, value)


def _check_path(path: str) -> None:
    root, *steps = path.split(".")
    if root not in ROOTS or not steps:
        message = "Begin the path with `data.` or `changes.`, as in `data.status` or `changes.status.to`."
        raise _Mistake("path", message)
    if len(path) > LONGEST_PATH or 1 + len(steps) > DEEPEST_PATH:
        raise _Mistake("path", f"Keep the path to {LONGEST_PATH} characters and {DEEPEST_PATH} steps.")
    if not all(_STEP.fullmatch(step) for step in steps):
        message = "Separate the steps of a path by single dots; quotes, brackets and backslashes cannot be in them."
        raise _Mistake("path", message)
    if any(_PLACE.fullmatch(step) for step in steps):
        raise _Mistake("path", "A step of a path is a name: items of lists have none.")


def _equal(path: str, op: str, value: Any) -> Condition:
    if value is None:
        raise _Mistake("type", f'For what is null or absent write {{"{path}[isnull]": true}}.')
    if isinstance(value, list):
        raise _Mistake("type", f'For one of several values write {{"{path}[in]": […]}}.')
    return Condition(path, op, _written([value]))


def _in(path: str, op: str, value: Any) -> Condition:
    if not isinstance(value, list) or not 1 <= len(value) <= LARGEST_IN:
        raise _Mistake("type", f"`in` takes a list of 1 to {LARGEST_IN} texts, numbers or booleans.")
    return Condition(path, op, _written(value))


def _written(values: Sequence[Any]) -> str:
    for value in values:
        if not isinstance(value, str | int | float):
            raise _Mistake("type", "Compare with a text, a number or a boolean.")
        _check_bounds(value)
    return orjson.dumps(values).decode()


def _ordered(path: str, op: str, value: Any) -> Condition:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _Mistake("type", f"`{op}` takes a number, or a text such as a time.")
    _check_bounds(value)
    return Condition(path, op, str(value), None if isinstance(value, str) else float(value))


def _contains(path: str, op: str, value: Any) -> Condition:
    if not isinstance(value, str) or not value:
        raise _Mistake("type", "`contains` takes a text of one character or more.")
    _check_bounds(value)
    return Condition(path, op, value)


def _isnull(path: str, op: str, value: Any) -> Condition:
    if not isinstance(value, bool):
        raise _Mistake("type", "`isnull` takes true or false.")
    return Condition(path, op, "true" if value else "false")


def _check_bounds(value: str | float) -> None:
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT or "\0" in value:
            raise _Mistake("length", f"Keep a text to {LONGEST_TEXT:,} characters, none of them NUL.")
    elif not math.isfinite(value) or (isinstance(value, int) and not -(2**63) <= value < 2**64):
        raise _Mistake("range", "Keep a whole number to 64 bits.")


_READERS = {"eq": _equal, "ne": _equal, "in": _in, "contains": _contains, "isnull": _isnull}
