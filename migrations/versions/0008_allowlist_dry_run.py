"""Allowlists on trial: their mode, and whom they would lock out.

Code of the version before must keep working beside this schema: add before use, drop one release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from domain.db import Moment, Str

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("allowlist_mode", Str, nullable=False, server_default="enforce"))
    op.create_table(
        "api_key_outsiders",
        sa.Column("key_id", Str, nullable=False),
        sa.Column("address", Str, nullable=False),
        sa.Column("first_at", Moment(), nullable=False),
        sa.Column("last_at", Moment(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_keys.id"], name=op.f("fk_api_key_outsiders_key_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key_id", "address", name=op.f("pk_api_key_outsiders")),
    )


def downgrade() -> None:
    op.drop_table("api_key_outsiders")
    op.drop_column("api_keys", "allowlist_mode")
