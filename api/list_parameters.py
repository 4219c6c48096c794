"""The query grammar of lists as the OpenAPI document shows it."""

from __future__ import annotations

from typing import Any

from domain.filters import LARGEST_INTEGER, LONGEST_TEXT, operators_of, type_word
from domain.listing import LARGEST_LIMIT, ListSpec

from .schemas import NO_NUL

LONGEST_CURSOR = 15_000  # a cursor holds the last row's values, and an address is limited
_SCHEMAS: dict[str, dict[str, Any]] = {
    "text": {"type": "string", "maxLength": LONGEST_TEXT, "pattern": NO_NUL},
    "integer": {"type": "integer", "format": "int32", "minimum": -LARGEST_INTEGER, "maximum": LARGEST_INTEGER},
    "boolean": {"type": "boolean"},
    "time": {"type": "string", "format": "date-time", "maxLength": 40},
}
PAGING: dict[str, dict[str, Any]] = {
    "limit": {
        "in": "query", "name": "limit", "description": "Most objects on a page.", "example": 20,
        "schema": {"type": "integer", "format": "int32", "minimum": 1, "maximum": LARGEST_LIMIT, "default": 50},
    },
    "cursor": {
        "in": "query", "name": "cursor", "description": "`page.next` of the last page, with the same `sort`.",
        "schema": {"type": "string", "maxLength": LONGEST_CURSOR, "pattern": "^[A-Za-z0-9_-]*$"},
    },
}  # fmt: skip


def list_parameters(listing: ListSpec) -> list[dict[str, Any] | str]:
    """Its query parameters; a name stands for one that every list has."""
    names = "|".join(listing.sortable)
    sort = {
        "type": "string",
        "maxLength": 200,
        "pattern": f"^(-?({names})(,-?({names}))*)?$",
        "default": listing.default_sort,
    }
    described = ", ".join(f"`{name}`" for name in listing.sortable)
    return [
        *PAGING,
        {"in": "query", "name": "sort", "schema": sort, "example": listing.default_sort,
         "description": f"Comma-separated, each once, `-` for descending: {described}."},
        *(_filter(name, field.column) for name, field in listing.fields.items()),
    ]  # fmt: skip


def _filter(name: str, column: Any) -> dict[str, Any]:
    operators = ", ".join(f"`{operator}`" for operator in operators_of(column) if operator != "eq")
    description = f"Only objects with this `{name}`; also `{name}[op]=` with {operators}."
    return {"in": "query", "name": name, "schema": _SCHEMAS[type_word(column)], "description": description}
