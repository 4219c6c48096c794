"""The query grammar of lists as the OpenAPI document shows it.

Each field has one parameter of its true type. What else the grammar takes, the forms with an operator and those with a
name of the caller's own, is one object whose members become parameters (`style: form`, `explode: true`): a client
generator makes one argument of it rather than eight of each field.
"""

from __future__ import annotations

import re
from typing import Any

from domain.filters import LARGEST_INTEGER, MOST_WORDS, OPERATORS, operators_of, type_word
from domain.list_spec import ListSpec, Sortable
from domain.listing import DEFAULT_LIMIT, LARGEST_LIMIT
from domain.shape import paths_of

Parameter = dict[str, Any]
_SCHEMAS: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "minimum": -LARGEST_INTEGER, "maximum": LARGEST_INTEGER},
    "time": {"type": "string", "format": "date-time"},
}


def list_parameters(spec: ListSpec) -> list[Parameter]:
    """The query parameters of a list."""
    limit = {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": DEFAULT_LIMIT}
    paging = [
        _parameter("limit", limit, "Most objects on a page."),
        _parameter("cursor", {"type": "string"}, "`page.next` of the last page, with the same `sort`."),
        _parameter("sort", _sort(spec), _sort_text(spec)),
        _parameter("total", {"type": "boolean", "default": False}, "Whether `page.total` says how many there are."),
    ]
    filters = [
        _parameter(name, _schema(field), f"Only objects with this `{name}`.") for name, field in spec.fields.items()
    ]
    return [*paging, *shape_parameters(spec), *_search(spec), *filters, _operators(spec)]


def shape_parameters(spec: ListSpec) -> list[Parameter]:
    """The parameters that say what an answer's objects hold."""
    found: list[Parameter] = []
    if spec.shown:
        text = "Only these members, and those of `expand`. Comma-separated."
        found.append(_names("fields", list(spec.shown), text, ["id", spec.shown[2]]))
    if spec.references:
        text = "Objects to show beside their ids, under these names. Comma-separated; a path includes what leads to it."
        paths = paths_of(spec.references)
        found.append(_names("expand", paths, text, paths[:1]))
    return found


def _parameter(name: str, schema: dict[str, Any], description: str, **more: Any) -> Parameter:
    return {"in": "query", "name": name, "schema": schema, "description": description, **more}


def _names(name: str, allowed: list[str], description: str, example: list[str]) -> Parameter:
    items = {"type": "array", "items": {"type": "string", "enum": allowed}, "minItems": 1, "uniqueItems": True}
    return _parameter(name, items, description, style="form", explode=False, example=example)


def _schema(field: Sortable) -> dict[str, Any]:
    return {"type": "string", "enum": list(field.choices)} if field.choices else _SCHEMAS[type_word(field.column)]


def _sort(spec: ListSpec) -> dict[str, Any]:
    term = "-?(" + "|".join(map(re.escape, spec.sortable)) + ")"
    metadata = r"-?metadata\.[^,]+(,-?id)?|" if spec.entity else ""
    return {"type": "string", "default": spec.default_sort, "pattern": f"^({metadata}{term}(,{term})*)$"}


def _sort_text(spec: ListSpec) -> str:
    names = ", ".join(f"`{name}`" for name in spec.sortable)
    alone = " `metadata.<key>` stands alone." if spec.entity else ""
    return f"Comma-separated, each once, `-` for descending: {names}.{alone} Nothing comes last; the id breaks ties."


def _search(spec: ListSpec) -> list[Parameter]:
    if not spec.searched:
        return []
    columns = ", ".join(f"`{column.name}`" for column in spec.searched)
    text = f"Words that must all be found in {columns}, in any case. Up to {MOST_WORDS}."
    return [_parameter("q", {"type": "string", "pattern": r"\S"}, text, example="storm")]


def _operators(spec: ListSpec) -> Parameter:
    """Every parameter that is not named above."""
    rows = "\n".join(
        f"- `{name}`: {', '.join(each for each in operators_of(field.column) if each != 'eq')}"
        for name, field in spec.fields.items()
    )
    text = f"Further filters, each a parameter of its own, such as `created_at[gte]=2026-01-01T00:00:00Z`:\n\n{rows}"
    pattern = "(" + "|".join(map(re.escape, spec.fields)) + r")\[(" + "|".join(OPERATORS) + r")\]"
    if spec.entity:
        text += "\n- `metadata.<key>`: what the type of its definition can be compared by"
        pattern += r"|metadata\.[^\[\]]+(\[(" + "|".join(OPERATORS) + r")\])?"
    schema = {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "propertyNames": {"pattern": f"^({pattern})$"},
    }
    return _parameter(
        "filters", schema, text, style="form", explode=True, example={"created_at[gte]": "2026-01-01T00:00:00Z"}
    )
