"""API keys (who) and their secrets (what they present). Limits, idempotency and audit belong to the key."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, Table

from ..db import Bytes, Json, LongText, Moment, Str, metadata
from ..entities import timestamps

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Str, primary_key=True),
    Column("name", Str, nullable=False),
    Column("description", LongText, nullable=False, server_default=""),
    Column("role", Str, nullable=False),
    Column("scope", Str, nullable=False),
    Column("read_per_minute", Integer, nullable=False),
    Column("write_per_minute", Integer, nullable=False),
    Column("allowed_cidrs", Json, nullable=False),
    Column("expires_at", Moment, index=True),
    Column("suspended_at", Moment),
    Column("revoked_at", Moment),
    # Goes up in the transaction of every change; a process that remembers an older one reads the key again.
    Column("epoch", Integer, nullable=False, server_default="1"),
    Column("last_used_at", Moment),
    Column("last_used_ip", Str),
    Column("created_by", Json, nullable=False),
    *timestamps(),
)

api_key_projects = Table(
    "api_key_projects",
    metadata,
    Column("key_id", Str, ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True),
    Column("project_id", Str, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True, index=True),
)

api_key_secrets = Table(
    "api_key_secrets",
    metadata,
    Column("id", Str, primary_key=True),  # the public id inside the key's text
    Column("key_id", Str, ForeignKey("api_keys.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("digest", Bytes, nullable=False),  # HMAC-SHA-256 under the pepper
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
)
