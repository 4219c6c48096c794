"""Webhooks: where events are sent, which ones, and the secrets that sign them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Table, true

from ..db import Bytes, Json, LongText, Moment, Str, metadata
from ..entities import timestamps

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Str, primary_key=True),
    Column("url", LongText, nullable=False),
    Column("description", LongText, nullable=False, server_default=""),
    Column("event_types", Json, nullable=False),  # as given; `webhook_event_types` is for matching
    Column("all_projects", Boolean, nullable=False, server_default=true()),
    Column("payload_version", Str, nullable=False, server_default="v1"),
    Column("signature", Str, nullable=False, server_default="v1"),
    Column("enabled", Boolean, nullable=False, server_default=true()),
    # Why it is disabled, when Callsheet did it: `gone` (410) or `exhausted`.
    Column("disabled_reason", Str),
    Column("failing_since", Moment),
    Column("created_by", Json, nullable=False),
    *timestamps(),
)

webhook_event_types = Table(
    "webhook_event_types",
    metadata,
    Column("webhook_id", Str, ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True),
    Column("pattern", Str, primary_key=True),
)
Index("ix_webhook_event_types_pattern", webhook_event_types.c.pattern, webhook_event_types.c.webhook_id)

webhook_projects = Table(
    "webhook_projects",
    metadata,
    Column("webhook_id", Str, ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True),
    Column("project_id", Str, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True, index=True),
)

webhook_secrets = Table(
    "webhook_secrets",
    metadata,
    Column("id", Str, primary_key=True),
    Column("webhook_id", Str, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("sealed", Bytes, nullable=False),  # AES-GCM, this row as associated data
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
)
