"""Artifacts: the files of a job, their names and sizes. The bytes are in the store, under `blob`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Table, UniqueConstraint

from ..db import Str, metadata
from ..entities import timestamps

artifacts = Table(
    "artifacts",
    metadata,
    Column("id", Str, primary_key=True),
    Column("project_id", Str, ForeignKey("projects.id"), nullable=False),
    Column("job_id", Str, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("name", Str, nullable=False),
    Column("media_type", Str, nullable=False),
    Column("size", BigInteger, nullable=False),  # bytes
    Column("sha256", Str, nullable=False),
    Column("attempt", Integer, nullable=False),  # of the job, that it is from
    Column("blob", Str, nullable=False, unique=True),
    *timestamps(),
    UniqueConstraint("job_id", "name"),
)
