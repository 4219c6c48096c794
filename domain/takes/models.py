"""Takes: each what one job made of a character, scene or segment, numbered in the order in which they were done."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from ..db import Json, Str, metadata
from ..entities import timestamps

takes = Table(
    "takes",
    metadata,
    Column("id", Str, primary_key=True),
    Column("project_id", Str, ForeignKey("projects.id"), nullable=False),
    Column("target_object", Str, nullable=False),
    Column("target_id", Str, nullable=False),
    Column("number", Integer, nullable=False),
    Column("job_id", Str, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("kind", Str, nullable=False),  # of the job
    Column("params", Json, nullable=False),
    Column("cost", Json),
    Column("thumbnail_id", Str, ForeignKey("artifacts.id", ondelete="SET NULL")),
    Column("media_id", Str, ForeignKey("artifacts.id", ondelete="SET NULL")),
    Column("submitted_by", Json, nullable=False),
    *timestamps(),
    UniqueConstraint("target_id", "number"),
)
Index("ix_takes_project_id_created_at_id", takes.c.project_id, takes.c.created_at, takes.c.id)
