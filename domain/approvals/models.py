"""Approvals: decisions on a character, scene or segment. A row is never changed."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table

from ..db import Json, LongText, Moment, Str, metadata

DECISIONS = ("approved", "rejected", "changes_requested")

approvals = Table(
    "approvals",
    metadata,
    Column("id", Str, primary_key=True),
    Column("project_id", Str, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("asset_object", Str, nullable=False),
    Column("asset_id", Str, nullable=False),
    Column("decision", Str, nullable=False),
    Column("note", LongText, nullable=False, server_default=""),
    Column("take_id", Str),  # what was looked at; of this asset
    Column("decided_by", Json, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
)
Index("ix_approvals_asset_id_id", approvals.c.asset_id, approvals.c.id)
Index("ix_approvals_created_at_id", approvals.c.created_at, approvals.c.id)
