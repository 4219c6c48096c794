"""API keys (who) and their secrets (what they present). Limits, idempotency and audit belong to the key."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Table

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
    Column("allowlist_mode", Str, nullable=False, server_default="enforce"),
    Column("tags", Json, nullable=False, server_default="[]"),
    Column("expires_at", Moment, index=True),
    # The days before its expiry of the last `api_key.expiring` that was sent, or is due no more.
    Column("expiry_notice", Integer),
    Column("suspended_at", Moment),
    Column("suspended_reason", LongText),
    Column("revoked_at", Moment),
    Column("revoked_reason", LongText),
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
    # When a rotation replaced it, and when it stops working: both None for the key's newest.
    Column("retired_at", Moment),
    Column("expires_at", Moment),
    Column("last_used_at", Moment),
    Column("last_used_ip", Str),
)

# Who called from outside the allowlist of a key that only tries it out.
api_key_outsiders = Table(
    "api_key_outsiders",
    metadata,
    Column("key_id", Str, ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True),
    Column("address", Str, primary_key=True),  # of IPv6 the /64, as it is limited
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("calls", BigInteger, nullable=False),
)
