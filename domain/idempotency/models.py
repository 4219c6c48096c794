"""Idempotency records: the first answer to each `Idempotency-Key`, committed with the write it answers."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, Table

from ..db import Bytes, Json, Moment, Str, metadata

idempotency_records = Table(
    "idempotency_records",
    metadata,
    Column("key_id", Str, ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True),
    Column("method", Str, primary_key=True),
    Column("path", Str, primary_key=True),
    Column("idempotency_key", Str, primary_key=True),
    Column("body_digest", Bytes, nullable=False),
    Column("status_code", Integer),
    Column("headers", Json),
    Column("body", Bytes),
    Column("created_at", Moment, nullable=False, index=True),
)
