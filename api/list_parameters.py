"""The query grammar of lists as the OpenAPI document shows it.

Each field has one parameter of its true type. What else the grammar takes, the forms with an operator and those with a
name of the caller's own, is one object whose members become parameters (`style: form`, `explode: true`): a client
generator makes one argument of it rather than eight of each field.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from domain.event_cursors.queries import NAME_PATTERN
from domain.events.catalogue import PATTERNS
from domain.external_id_filters import ALLOWED as EXTERNAL_ID_OPERATORS
from domain.filters import LARGEST_INTEGER, LONGEST_TEXT, MOST_WORDS, OPERATORS, operators_of, type_word
from domain.list_query import DEFAULT_LIMIT, LARGEST_LIMIT
from domain.list_spec import ListSpec, Sortable
from domain.shape import paths_of

from .schemas import NO_NUL, NOT_ONLY_SPACES

LONGEST_CURSOR = 15_000  # a cursor holds the last row's values, and an address is limited
Parameter = dict[str, Any]
_SCHEMAS: dict[str, dict[str, Any]] = {
    "text": {"type": "string", "maxLength": LONGEST_TEXT, "pattern": NO_NUL},
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "format": "int32", "minimum": -LARGEST_INTEGER, "maximum": LARGEST_INTEGER},
    "time": {"type": "string", "format": "date-time", "maxLength": 40},
    "members": {"type": "string", "maxLength": LONGEST_TEXT, "pattern": NO_NUL},
}


def _parameter(name: str, schema: dict[str, Any], description: str, **more: Any) -> Parameter:
    return {"in": "query", "name": name, "schema": schema, "description": description, **more}


_LIMIT = {"type": "integer", "format": "int32", "minimum": 1, "maximum": LARGEST_LIMIT, "default": DEFAULT_LIMIT}
_CURSOR = {"type": "string", "maxLength": LONGEST_CURSOR, "pattern": "^[A-Za-z0-9_-]*$"}
PAGING: dict[str, Parameter] = {
    "limit": _parameter("limit", _LIMIT, "Most objects on a page.", example=20),
    "cursor": _parameter("cursor", _CURSOR, "`page.next` of the last page, with the same `sort`."),
    "total": _parameter(
        "total", {"type": "boolean", "default": False}, "Whether `page.total` says how many there are."
    ),
}
_TYPE = "(" + "|".join(map(re.escape, PATTERNS)) + ")"
# Of what is not paged but read on.
READING: dict[str, Parameter] = {
    "after": _parameter(
        "after",
        _CURSOR,
        "`page.next` of the last call, or `end` for what comes from now on. Without it, the oldest kept.",
    ),
    "cursor_name": _parameter(
        "cursor_name",
        {"type": "string", "maxLength": 64, "pattern": f"^({NAME_PATTERN})?$"},
        "The cursor that the key keeps under this name, in place of `after`. Reading does not move it.",
    ),
    "types": _parameter(
        "types",
        {"type": "string", "maxLength": LONGEST_TEXT, "pattern": f"^({_TYPE}(,{_TYPE})*)?$"},
        "Event types, as a webhook names them: `asset.*,job.completed`. Comma-separated.",
        example="asset.*",
    ),
}


def list_parameters(spec: ListSpec) -> list[Parameter | str]:
    """The query parameters of a list; a name stands for one of `PAGING`."""
    if spec.once:
        return [*(name if name in PAGING else READING[name] for name in spec.once), *_filters(spec)]
    return ["limit", "cursor", "total", *_unpaged(spec)]


def export_parameters(spec: ListSpec, formats: Sequence[str]) -> list[Parameter]:
    """The query parameters of a list that is streamed whole, in one of these formats."""
    schema = {"type": "string", "enum": list(formats)}
    text = "How it is written; without it, `Accept` decides."
    return [_parameter("format", schema, text, example=formats[0]), *_unpaged(spec)]


def _unpaged(spec: ListSpec) -> list[Parameter]:
    sort = _parameter("sort", _sort(spec), _sort_text(spec), example=spec.default_sort)
    return [sort, *shape_parameters(spec), *_search(spec), *_filters(spec)]


def _filters(spec: ListSpec) -> list[Parameter]:
    filters = [
        _parameter(name, _schema(field), f"Only objects with this `{name}`.") for name, field in spec.fields.items()
    ]
    return [*filters, _operators(spec)]


def shape_parameters(spec: ListSpec) -> list[Parameter]:
    """The parameters that say what an answer's objects hold."""
    found: list[Parameter] = []
    if spec.shown:
        text = "Only these members, and those of `expand`. Comma-separated."
        found.append(_names("fields", list(spec.shown), text, [spec.shown[0], spec.shown[2]]))
    if spec.references:
        text = "Objects to show beside their ids, under these names. Comma-separated; a path includes what leads to it."
        paths = paths_of(spec.references)
        found.append(_names("expand", paths, text, paths[:1]))
    return found


def _names(name: str, allowed: list[str], description: str, example: list[str]) -> Parameter:
    """As text: client generators send an array as a parameter given many times, which could be read in two ways."""
    term = "(" + "|".join(map(re.escape, allowed)) + ")"
    schema = {"type": "string", "maxLength": LONGEST_TEXT, "pattern": f"^{term}(,{term})*$"}
    named = ", ".join(f"`{each}`" for each in allowed)
    return _parameter(name, schema, f"{description} Each once: {named}.", example=",".join(example))


def _schema(field: Sortable) -> dict[str, Any]:
    return {"type": "string", "enum": list(field.choices)} if field.choices else _SCHEMAS[type_word(field.column)]


def _sort(spec: ListSpec) -> dict[str, Any]:
    term = "-?(" + "|".join(map(re.escape, spec.sortable)) + ")"
    metadata = r"-?metadata\.[^,\u0000]+(,-?id)?|" if spec.entity else ""
    pattern = f"^({metadata}{term}(,{term})*)?$"
    return {"type": "string", "maxLength": LONGEST_TEXT, "pattern": pattern, "default": spec.default_sort}


def _sort_text(spec: ListSpec) -> str:
    names = ", ".join(f"`{name}`" for name in spec.sortable)
    alone = " `metadata.<key>` stands alone." if spec.entity else ""
    return f"Comma-separated, each once, `-` for descending: {names}.{alone} Nothing comes last; the id breaks ties."


def _search(spec: ListSpec) -> list[Parameter]:
    if not spec.searched:
        return []
    columns = ", ".join(f"`{column.name}`" for column in spec.searched)
    text = f"Words that must all be found in {columns}, in any case. Up to {MOST_WORDS}."
    schema = {"type": "string", "maxLength": LONGEST_TEXT, "pattern": NOT_ONLY_SPACES}
    return [_parameter("q", schema, text, example="storm")]


def _operators(spec: ListSpec) -> Parameter:
    """Every parameter that is not named above."""
    rows = "\n".join(
        f"- `{name}`: {', '.join(each for each in operators_of(field.column) if each != 'eq')}"
        for name, field in spec.fields.items()
    )
    time = next(name for name, field in spec.fields.items() if type_word(field.column) == "time")
    text = f"Further filters, each a parameter of its own, such as `{time}[gte]=2026-01-01T00:00:00Z`:\n\n{rows}"
    pattern = "(" + "|".join(map(re.escape, spec.fields)) + r")\[(" + "|".join(OPERATORS) + r")\]"
    if spec.entity:
        text += "\n- `metadata.<key>`: what the type of its definition can be compared by"
        text += f"\n- `external_ids.<system>`: {', '.join(EXTERNAL_ID_OPERATORS)}"
        pattern += r"|metadata\.[^\[\]\u0000]+(\[(" + "|".join(OPERATORS) + r")\])?"
        pattern += r"|external_ids\.[^\[\]\u0000]+(\[(" + "|".join(EXTERNAL_ID_OPERATORS) + r")\])?"
    schema = {
        "type": "object",
        "additionalProperties": _SCHEMAS["text"],
        "propertyNames": {"pattern": f"^({pattern})$"},
    }
    return _parameter(
        "filters", schema, text, style="form", explode=True, example={f"{time}[gte]": "2026-01-01T00:00:00Z"}
    )
