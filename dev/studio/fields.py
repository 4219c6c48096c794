"""Metadata as rows: the fields a project defines, and every value by type for filters and sorts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from domain.ids import new_id

from .assets import Asset
from .content import Production


def field_rows(production: Production, project: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The fields of a production."""
    for field in production.fields:
        yield {
            "id": new_id("fld"),
            "project_id": project["id"],
            **{name: field[name] for name in ("object", "key", "type", "description")},
            "rules": field.get("rules", {}),
            "created_at": project["created_at"],
            "updated_at": project["created_at"],
        }


def value_rows(production: Production, project: dict[str, Any], assets: list[Asset]) -> Iterator[dict[str, Any]]:
    """One row for each value of an entity whose key has a field."""
    types = {(field["object"], field["key"]): field["type"] for field in production.fields}
    entities = [("project", project), *((asset.kind.object, asset.row) for asset in assets)]
    for object_, row in entities:
        for key, value in row["metadata"].items():
            if (object_, key) in types:
                where = {"entity_id": row["id"], "key": key, "project_id": project["id"], "object": object_}
                yield where | _typed(types[object_, key], value)


def _typed(type_: str, value: Any) -> dict[str, Any]:
    moment = datetime.fromisoformat(value).replace(tzinfo=UTC) if type_ == "date" else None
    return {
        "text_value": value if type_ == "text" else None,
        "number_value": value if type_ == "number" else None,
        "time_value": moment,
    }
