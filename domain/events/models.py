"""Events: what changed, written in the transaction that changed it (the outbox)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Table, false

from ..db import Json, LongText, Moment, Sequence64, Str, metadata

events = Table(
    "events",
    metadata,
    # Taken after the entity's row is locked, so one entity's events are in order whatever the hosts' clocks say.
    Column("seq", Sequence64, primary_key=True, autoincrement=True),
    Column("id", Str, nullable=False, unique=True),
    # The place in the feed, given to committed events only: `seq` is taken early and may be committed late.
    Column("position", BigInteger, unique=True),
    Column("type", Str, nullable=False),
    Column("family", Str, nullable=False),  # the type's first word, for `asset.*`
    Column("project_id", Str, ForeignKey("projects.id", ondelete="CASCADE")),
    Column("entity_object", Str, nullable=False),
    Column("entity_id", Str, nullable=False),
    Column("actor", Json, nullable=False),
    Column("request_id", Str),
    # The bytes that are signed and sent, once per payload version.
    Column("body", LongText, nullable=False),
    Column("thin_body", LongText, nullable=False),
    # A test goes to one endpoint and is no part of the feed.
    Column("is_test", Boolean, nullable=False, server_default=false()),
    Column("created_at", Moment, nullable=False, index=True),
)
Index("ix_events_entity_id_seq", events.c.entity_id, events.c.seq)
# What has still to be put into the feed: hardly ever anything.
UNPLACED = events.c.position.is_(None) & ~events.c.is_test
Index("ix_events_unplaced", events.c.seq, postgresql_where=UNPLACED, sqlite_where=UNPLACED)
_placed = events.c.position.is_not(None)
Index(
    "ix_events_project_id_position",
    events.c.project_id,
    events.c.position,
    postgresql_where=_placed,
    sqlite_where=_placed,
)

FEED_ROW = "events"
event_feed = Table(
    "event_feed",
    metadata,
    Column("name", Str, primary_key=True),  # of its one row, `FEED_ROW`
    Column("last", BigInteger, nullable=False),  # the highest position that was given
    Column("pruned", BigInteger, nullable=False),  # the highest position of an event that was deleted
)
