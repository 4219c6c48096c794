"""Metadata: typed fields that a project defines, and the values by type for filters and sorts.

Reads take the JSON column of the entity; these rows answer "which entities have fps = 24" with an index.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Table, UniqueConstraint, false

from ..db import Json, LongText, Moment, Number, Str, metadata
from ..entities import timestamps

metadata_fields = Table(
    "metadata_fields",
    metadata,
    Column("id", Str, primary_key=True),
    Column("project_id", Str, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("object", Str, nullable=False),  # which entities have it: character, scene, segment, project
    Column("key", Str, nullable=False),
    Column("type", Str, nullable=False),
    Column("required", Boolean, nullable=False, server_default=false()),
    Column("rules", Json, nullable=False, server_default="{}"),  # default, min, max, pattern, options
    Column("description", LongText, nullable=False, server_default=""),
    *timestamps(),
    UniqueConstraint("project_id", "object", "key"),
)

metadata_values = Table(
    "metadata_values",
    metadata,
    Column("entity_id", Str, primary_key=True),
    Column("key", Str, primary_key=True),
    Column("project_id", Str, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("object", Str, nullable=False),
    Column("text_value", Str),
    Column("number_value", Number),
    Column("time_value", Moment),
)
for _name in ("text_value", "number_value", "time_value"):
    _column = metadata_values.c[_name]
    Index(
        f"ix_metadata_values_key_{_name}",
        metadata_values.c.key,
        _column,
        metadata_values.c.entity_id,
        postgresql_where=_column.is_not(None),
        sqlite_where=_column.is_not(None),
    )
