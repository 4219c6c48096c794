"""The query grammar of lists as the OpenAPI document shows it."""

from __future__ import annotations

from typing import Any

from domain.filters import OPERATORS
from domain.listing import LARGEST_LIMIT, ListSpec


def list_parameters(listing: ListSpec) -> list[dict[str, Any]]:
    """Its query parameters."""
    names = ", ".join(f"`{name}`" for name in listing.fields)
    sorts = ", ".join(f"`{name}`" for name in listing.sortable)
    operators = ", ".join(f"`{name}`" for name in OPERATORS if name != "eq")
    limit = {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": 50}
    paging: list[dict[str, Any]] = [
        {"in": "query", "name": "limit", "schema": limit, "description": "Most objects on a page."},
        {"in": "query", "name": "cursor", "schema": {"type": "string"}, "description": "`page.next` of the last page."},
        {"in": "query", "name": "sort", "schema": {"type": "string", "default": listing.default_sort},
         "description": f"Comma-separated, `-` for descending: {sorts}."},
    ]  # fmt: skip
    filters = [
        {"in": "query", "name": name, "schema": {"type": "string"},
         "description": f"Only objects with this `{name}`; also `{name}[op]=` with {operators}."}
        for name in listing.fields
    ]  # fmt: skip
    return [*paging, *filters] if names else paging
