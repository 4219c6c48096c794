"""The feed: how far its places go, what finds events without one and those of a project, and cursors kept for keys.

Code of the version before must keep working beside this schema: add before use, drop one release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from domain.db import Moment, Str

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

PLACED = sa.text("position IS NOT NULL")


def upgrade() -> None:
    unplaced = sa.text(f"position IS NULL AND {_is_no_test()}")
    op.create_index("ix_events_unplaced", "events", ["seq"], postgresql_where=unplaced, sqlite_where=unplaced)
    op.create_index(
        "ix_events_project_id_position", "events", ["project_id", "position"],
        postgresql_where=PLACED, sqlite_where=PLACED,
    )  # fmt: skip
    op.create_table(
        "event_feed",
        sa.Column("name", Str, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("pruned", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_event_feed")),
    )
    op.create_table(
        "event_cursors",
        sa.Column("key_id", Str, nullable=False),
        sa.Column("name", Str, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name=op.f("fk_event_cursors_key_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key_id", "name", name=op.f("pk_event_cursors")),
    )


def _is_no_test() -> str:
    return "NOT is_test" if op.get_bind().dialect.name == "postgresql" else "is_test = 0"


def downgrade() -> None:
    op.drop_table("event_cursors")
    op.drop_table("event_feed")
    op.drop_index("ix_events_project_id_position", table_name="events")
    op.drop_index("ix_events_unplaced", table_name="events")
