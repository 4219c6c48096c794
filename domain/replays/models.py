"""Replays: events sent once more to a webhook, or for the first time to one that was not there to hear them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table

from ..db import Json, LongText, Moment, Str, metadata

STATUSES = ("running", "completed", "cancelled")

webhook_replays = Table(
    "webhook_replays",
    metadata,
    Column("id", Str, primary_key=True),
    Column("webhook_id", Str, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("status", Str, nullable=False, server_default="running"),
    # What was asked for: which events, and of these, which by how their deliveries stand.
    Column("since", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("event_types", Json),  # None: every type the webhook is subscribed to
    Column("delivery_status", Str),  # None: all; `missing`: events that never had a delivery
    Column("per_minute", Integer, nullable=False),
    # How far it has come: it goes on behind this event, whoever goes on with it.
    Column("after_seq", BigInteger, nullable=False, server_default="0"),
    Column("count", Integer, nullable=False),  # events, when it began
    Column("queued_count", Integer, nullable=False, server_default="0"),
    Column("next_at", Moment, nullable=False),  # of its next step
    Column("note", LongText, nullable=False, server_default=""),
    Column("created_by", Json, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("finished_at", Moment),
)
_running = webhook_replays.c.status == "running"
Index("ix_webhook_replays_next_at", webhook_replays.c.next_at, postgresql_where=_running, sqlite_where=_running)
Index("ix_webhook_replays_webhook_id", webhook_replays.c.webhook_id, webhook_replays.c.id)
