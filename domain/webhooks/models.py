"""Webhooks: where events are sent, which ones, and the secrets that sign them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, Integer, Table, false, true

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
    # As given, such as {"data.status": "approved"}; `webhook_filters` is for matching.
    Column("filter", Json),
    Column("ordering", Str, nullable=False, server_default="none"),
    Column("timeout_seconds", Integer, nullable=False, server_default="20"),
    Column("max_concurrency", Integer),  # None: as many as it answers well
    Column("rate_per_minute", Integer),  # None: no limit
    Column("sealed_headers", Bytes),  # a JSON object, AES-GCM with `webhooks/<id>/headers` as associated data
    Column("header_names", Json),  # of `sealed_headers`, which are never shown
    Column("auth_type", Str),  # `bearer` or `basic`, where one of them is made for it
    # Why it is disabled, when Callsheet did it: `gone` (410) or `exhausted`.
    Column("disabled_reason", Str),
    Column("failing_since", Moment),
    Column("failing_told", Boolean, nullable=False, server_default=false()),  # by `webhook.failing`
    # The circuit breaker: `closed`, `open` until `paused_until`, then `half_open` while one delivery probes it.
    Column("breaker", Str, nullable=False, server_default="closed"),
    Column("failures_in_a_row", Integer, nullable=False, server_default="0"),
    Column("paused_until", Moment),  # by the breaker, or by the receiver's own Retry-After
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

# All of a webhook's must hold for an event to be sent to it.
webhook_filters = Table(
    "webhook_filters",
    metadata,
    Column("webhook_id", Str, ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("path", Str, nullable=False),  # in the body: `data.status`
    Column("op", Str, nullable=False),  # as in lists: `eq`, `ne`, `in` …
    Column("value", LongText, nullable=False),
    Column("value_number", Double),  # where the value is a number
)

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
    Column("signature", Str, nullable=False, server_default="v1"),
    Column("sealed", Bytes, nullable=False),  # AES-GCM, this row as associated data
    Column("public_key", Str),  # `whpk_…` of a `v1a` key
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
)
