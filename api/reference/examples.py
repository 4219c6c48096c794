"""An example of any schema, put together from the examples of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MOMENT = "2026-01-01T00:00:00.000Z"


def example_of(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Any:
    """A value that the schema accepts and the server may answer or take."""
    if "example" in schema:
        return schema["example"]
    if "$ref" in schema:
        return example_of(components[schema["$ref"].rpartition("/")[2]], components)
    for word in ("const", "default"):
        if word in schema:
            return schema[word]
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return example_of(schema[word][0], components)
    if "enum" in schema:
        return schema["enum"][0]
    return _by_type(schema, components)


def _by_type(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Any:
    types = schema.get("type", "object")
    if isinstance(types, list) and "null" in types:
        return None
    kind = types[0] if isinstance(types, list) else types
    if kind == "object":
        return {name: example_of(inner, components) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [example_of(schema["items"], components)]
    if kind == "string":
        return _MOMENT if schema.get("format") == "date-time" else ""
    return {"boolean": True, "integer": schema.get("minimum", 1), "number": 1.5}[kind]
