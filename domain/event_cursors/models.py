"""Cursors: how far a key has come in the feed, kept for it under names of its own."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Table

from ..db import Moment, Str, metadata

event_cursors = Table(
    "event_cursors",
    metadata,
    Column("key_id", Str, ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Str, primary_key=True),
    Column("position", BigInteger, nullable=False),  # everything up to this place is done with
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
)
