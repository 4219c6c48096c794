"""The webhook engine: each endpoint's own terms, breaker, filters, queues and order; replays.

Code of the version before must keep working beside this schema: add before use, drop one release later.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from domain.db import Bytes, Json, LongText, Moment, Str

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

OPEN = sa.text("status IN ('pending', 'sending')")
OF_REPLAY = sa.text("replay_id <> ''")


def _added() -> dict[str, list[sa.Column[Any]]]:
    """Columns of their own for each run: one belongs to a single table."""
    return {
        "webhooks": [
            sa.Column("filter", Json),
            sa.Column("ordering", Str, nullable=False, server_default="none"),
            sa.Column("timeout_seconds", sa.Integer(), nullable=False, server_default="20"),
            sa.Column("max_concurrency", sa.Integer()),
            sa.Column("rate_per_minute", sa.Integer()),
            sa.Column("sealed_headers", Bytes),
            sa.Column("header_names", Json),
            sa.Column("auth_type", Str),
            sa.Column("failing_told", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column("breaker", Str, nullable=False, server_default="closed"),
            sa.Column("failures_in_a_row", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("paused_until", Moment()),
        ],
        "webhook_secrets": [
            sa.Column("signature", Str, nullable=False, server_default="v1"),
            sa.Column("public_key", Str),
        ],
        "webhook_deliveries": [
            sa.Column("event_seq", sa.BigInteger(), nullable=False, server_default="0"),
            sa.Column("entity_id", Str, nullable=False, server_default=""),
            sa.Column("lane", sa.SmallInteger(), nullable=False, server_default="0"),
            sa.Column("attempts_before", sa.Integer(), nullable=False, server_default="0"),
        ],
        "webhook_attempts": [sa.Column("details", Json)],
    }


def upgrade() -> None:
    for table, columns in _added().items():
        for column in columns:
            op.add_column(table, column)
    _open_index("queue", ["webhook_id", "lane", "due_at", "id"])
    _open_index("entity", ["webhook_id", "entity_id", "event_seq"])
    op.drop_index("ix_webhook_deliveries_due", table_name="webhook_deliveries")
    op.create_index(
        "ix_webhook_deliveries_replay_id_status", "webhook_deliveries", ["replay_id", "status"],
        postgresql_where=OF_REPLAY, sqlite_where=OF_REPLAY,
    )  # fmt: skip
    op.create_index("ix_webhook_attempts_started_at", "webhook_attempts", ["started_at"])
    op.create_table(
        "webhook_filters",
        sa.Column("webhook_id", Str, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("path", Str, nullable=False),
        sa.Column("op", Str, nullable=False),
        sa.Column("value", LongText, nullable=False),
        sa.Column("value_number", sa.Double()),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_webhook_filters_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("webhook_id", "number", name=op.f("pk_webhook_filters")),
    )
    _create_replays()


def _open_index(name: str, columns: list[str]) -> None:
    op.create_index(
        f"ix_webhook_deliveries_{name}", "webhook_deliveries", columns, postgresql_where=OPEN, sqlite_where=OPEN
    )


def _create_replays() -> None:
    op.create_table(
        "webhook_replays",
        sa.Column("id", Str, nullable=False),
        sa.Column("webhook_id", Str, nullable=False),
        sa.Column("status", Str, nullable=False, server_default="running"),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.Column("event_types", Json),
        sa.Column("delivery_status", Str),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("after_seq", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("queued_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_at", Moment(), nullable=False),
        sa.Column("note", LongText, nullable=False, server_default=""),
        sa.Column("created_by", Json, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("finished_at", Moment()),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_webhook_replays_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_replays")),
    )
    running = sa.text("status = 'running'")
    op.create_index(
        "ix_webhook_replays_next_at", "webhook_replays", ["next_at"], postgresql_where=running, sqlite_where=running
    )
    op.create_index("ix_webhook_replays_webhook_id", "webhook_replays", ["webhook_id", "id"])
    op.create_table(
        "delivery_figures",
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("name", Str, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "name", name=op.f("pk_delivery_figures")),
    )


def downgrade() -> None:
    for table in ("delivery_figures", "webhook_replays", "webhook_filters"):
        op.drop_table(table)
    op.drop_index("ix_webhook_attempts_started_at", table_name="webhook_attempts")
    op.drop_index("ix_webhook_deliveries_replay_id_status", table_name="webhook_deliveries")
    op.create_index(
        "ix_webhook_deliveries_due", "webhook_deliveries", ["due_at", "id"], postgresql_where=OPEN, sqlite_where=OPEN
    )
    for name in ("entity", "queue"):
        op.drop_index(f"ix_webhook_deliveries_{name}", table_name="webhook_deliveries")
    for table, columns in _added().items():
        for column in columns:
            op.drop_column(table, column.name)
