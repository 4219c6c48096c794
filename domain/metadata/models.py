"""Metadata by type, for filters and sorts.

Reads take the JSON column of the entity; these rows answer "which entities have fps = 24" with an index.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table

from ..db import LongText, Moment, Number, Str, metadata

metadata_values = Table(
    "metadata_values",
    metadata,
    Column("entity_id", Str, primary_key=True),
    Column("key", Str, primary_key=True),
    # A list has a row for each item; every other value has the one.
    Column("item", Integer, primary_key=True, server_default="0"),
    Column("project_id", Str, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("object", Str, nullable=False),
    Column("text_value", Str),
    Column("number_value", Number),
    Column("time_value", Moment),
    Column("long_value", LongText),
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
