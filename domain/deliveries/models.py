"""Deliveries: one event for one webhook, and the attempts made."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    FromClause,
    Index,
    Integer,
    SmallInteger,
    Table,
    UniqueConstraint,
    literal_column,
)

from ..db import Json, LongText, Moment, Str, metadata

# What is sent for the first time, again, and by a replay: none of them waits for the others' slots.
FIRST, RETRY, REPLAY = range(3)
STATUSES = ("pending", "sending", "delivered", "failed", "cancelled")

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Str, primary_key=True),
    Column("webhook_id", Str, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("event_id", Str, ForeignKey("events.id", ondelete="CASCADE"), nullable=False),
    Column("replay_id", Str, nullable=False, server_default=""),
    Column("event_type", Str, nullable=False),
    Column("event_seq", BigInteger, nullable=False, server_default="0"),
    Column("entity_id", Str, nullable=False, server_default=""),
    Column("lane", SmallInteger, nullable=False, server_default=str(FIRST)),
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


def is_open(table: FromClause = webhook_deliveries) -> ColumnElement[bool]:
    """That it has not ended. In literals: only so does a planner see that an index of open deliveries will do."""
    return table.c.status.in_([literal_column("'pending'"), literal_column("'sending'")])


_open = is_open()
# Each webhook's own queues: however much waits for one, what is due for another is found in one step.
Index(
    "ix_webhook_deliveries_queue",
    webhook_deliveries.c.webhook_id,
    webhook_deliveries.c.lane,
    webhook_deliveries.c.due_at,
    webhook_deliveries.c.id,
    postgresql_where=_open,
    sqlite_where=_open,
)
# What an ordered delivery has to wait for.
Index(
    "ix_webhook_deliveries_entity",
    webhook_deliveries.c.webhook_id,
    webhook_deliveries.c.entity_id,
    webhook_deliveries.c.event_seq,
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
    Column("details", Json),  # DNS answers, TLS, what each phase took
    Column("request_headers", Json, nullable=False),
    Column("response_headers", Json, nullable=False),
    Column("response_body", LongText, nullable=False, server_default=""),  # its first 16 KiB
)
