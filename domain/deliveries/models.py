"""Deliveries: one event for one webhook, and the attempts made."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from ..db import Json, LongText, Moment, Str, metadata

STATUSES = ("pending", "sending", "delivered", "failed", "cancelled")

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Str, primary_key=True),
    Column("webhook_id", Str, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("event_id", Str, ForeignKey("events.id", ondelete="CASCADE"), nullable=False),
    Column("replay_id", Str, nullable=False, server_default=""),
    Column("event_type", Str, nullable=False),
    Column("status", Str, nullable=False, server_default="pending"),
    Column("attempts_count", Integer, nullable=False, server_default="0"),
    # Pending: when to send. Sending: when the lease runs out, which makes it due again.
    Column("due_at", Moment, nullable=False),
    # Who holds the lease: an outcome under another token changes nothing.
    Column("lease_token", Str),
    Column("last_status_code", Integer),
    Column("created_at", Moment, nullable=False),
    Column("finished_at", Moment),
    UniqueConstraint("event_id", "webhook_id", "replay_id"),
)
_open = webhook_deliveries.c.status.in_(("pending", "sending"))
Index(
    "ix_webhook_deliveries_due",
    webhook_deliveries.c.due_at,
    webhook_deliveries.c.id,
    postgresql_where=_open,
    sqlite_where=_open,
)
Index(
    "ix_webhook_deliveries_webhook_id_created_at",
    webhook_deliveries.c.webhook_id,
    webhook_deliveries.c.created_at,
    webhook_deliveries.c.id,
)
Index("ix_webhook_deliveries_created_at", webhook_deliveries.c.created_at)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column("delivery_id", Str, ForeignKey("webhook_deliveries.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("started_at", Moment, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("address", Str),  # where it connected
    Column("status_code", Integer),
    Column("error", Str),  # a stable word: refused, timeout, name_not_found …
    Column("message", LongText, nullable=False, server_default=""),  # a sentence for people
    Column("request_headers", Json, nullable=False),
    Column("response_headers", Json, nullable=False),
    Column("response_body", LongText, nullable=False, server_default=""),  # its first 16 KiB
)
