"""Reads of metadata fields."""

from __future__ import annotations

from typing import Any

from sqlalchemy import RowMapping, Select, select

from ..clock import rfc3339
from ..db import Row, Session
from ..errors import NotFound
from ..list_spec import ListSpec, Reference, Sortable
from ..metadata.types import TYPES
from .definitions import ENTITIES
from .models import metadata_fields

_COLUMNS = {name: metadata_fields.c[name] for name in ("id", "key", "type", "required", "created_at", "updated_at")}
FIELDS = ListSpec(
    metadata_fields.c.id,
    Sortable.from_columns({"entity": metadata_fields.c.object, **_COLUMNS}, entity=ENTITIES, type=tuple(TYPES)),
    "entity,key",
    shown=(
        *("id", "object", "project_id", "entity", "key", "type", "required", "default", "min", "max", "pattern"),
        *("options", "description", "created_at", "updated_at", "version"),
    ),
    references={"project": Reference("project_id", "project")},
)


# `object` is the word for the row itself in every answer.
ALL_FIELDS = select(metadata_fields, metadata_fields.c.object.label("entity"))


def fields_of(project_id: str) -> Select[Any]:
    """The fields that a project defines."""
    return ALL_FIELDS.where(metadata_fields.c.project_id == project_id)


def load_field(session: Session, project_id: str, field_id: str) -> RowMapping:
    """A field of this project.

    Raises:
        NotFound: the project defines no such field.
    """
    chosen = fields_of(project_id).where(metadata_fields.c.id == field_id)
    row = None if "\0" in field_id else session.execute(chosen).mappings().first()
    if row is None:
        raise NotFound(f"This project has no metadata field {field_id[:40]!r}.")
    return row


def represent_field(row: Row) -> dict[str, Any]:
    """The field as the API shows it."""
    rules = row["rules"]
    return {
        "id": row["id"],
        "object": "metadata_field",
        "project_id": row["project_id"],
        "entity": row["object"],
        "key": row["key"],
        "type": row["type"],
        "required": row["required"],
        **{name: rules.get(name) for name in ("default", "min", "max", "pattern")},
        "options": rules.get("options", []),
        "description": row["description"],
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "version": row["version"],
    }
