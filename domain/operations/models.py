"""What the installation knows of itself: its secret's fingerprint, heartbeats, and buckets while Redis is away."""

from __future__ import annotations

from sqlalchemy import Column, Float, Table

from ..db import Moment, Str, metadata

installation = Table(
    "installation",
    metadata,
    Column("name", Str, primary_key=True),
    Column("value", Str, nullable=False),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", Str, primary_key=True),
    Column("at", Moment, nullable=False),
)

rate_buckets = Table(
    "rate_buckets",
    metadata,
    Column("name", Str, primary_key=True),
    Column("tokens", Float, nullable=False),
    Column("updated_at", Float, nullable=False),  # Unix seconds
)
