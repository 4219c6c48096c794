"""`$name.field` in a batch: a field of what an earlier operation of the batch answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from domain.entity_rules import escaped
from domain.errors import FieldError, Invalid

from .schemas import REF

_REFERENCE = re.compile(rf"\$({REF})\.([a-z_]+)")
_IN_PATH = re.compile(rf"\$({REF})\.([a-z_]+)(?=/|$)")


class Unmade(Exception):
    """The operation that is referred to made nothing."""


class References:
    """What the operations of a batch answered, by their `ref`; None for those that failed."""

    def __init__(self) -> None:
        self._made: dict[str, Mapping[str, Any] | None] = {}

    def add(self, ref: str, data: Mapping[str, Any] | None) -> None:
        """Remember an operation's answer."""
        self._made[ref] = data

    def in_path(self, path: str) -> str:
        """The path with every reference replaced.

        Raises:
            Invalid: there is no such reference.
            Unmade: its operation failed.
        """
        return _IN_PATH.sub(lambda found: str(self._value(found, "/path")), path)

    def in_body(self, value: Any, pointer: str = "") -> Any:
        """The body with every reference replaced, whole values only. Raises as `in_path`."""
        if isinstance(value, dict):
            return {name: self.in_body(item, f"{pointer}/{escaped(name)}") for name, item in value.items()}
        if isinstance(value, list):
            return [self.in_body(item, f"{pointer}/{number}") for number, item in enumerate(value)]
        if not isinstance(value, str) or not value.startswith("$"):
            return value
        if value.startswith("$$"):
            return value[1:]
        found = _REFERENCE.fullmatch(value)
        return value if found is None else self._value(found, pointer)

    def _value(self, found: re.Match[str], pointer: str) -> Any:
        name, field = found.groups()
        if name not in self._made:
            raise Invalid(FieldError(pointer, "unknown", f"No earlier operation of this batch has the ref {name!r}."))
        data = self._made[name]
        if data is None:
            raise Unmade(f"The operation {name!r}, which this one needs, failed.")
        if field not in data:
            raise Invalid(FieldError(pointer, "unknown", f"What {name!r} made has no field {field!r}."))
        return data[field]


def names_in(value: Any) -> set[str]:
    """The names that a path or body refers to."""
    if isinstance(value, dict):
        return {name for item in value.values() for name in names_in(item)}
    if isinstance(value, list):
        return {name for item in value for name in names_in(item)}
    return {found[1] for found in _REFERENCE.finditer(value)} if isinstance(value, str) else set()
