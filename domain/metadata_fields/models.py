"""Metadata fields: what a project defines for the metadata of its entities."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Table, UniqueConstraint, false

from ..db import Json, LongText, Str, metadata
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
