"""An index for lists of characters, scenes and segments by `created_at`.

Code of the version before must keep working beside this schema: add before use, drop one release later.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("characters", "scenes", "segments")


def upgrade() -> None:
    for table in TABLES:
        op.create_index(f"ix_{table}_created_at_id", table, ["created_at", "id"], unique=False)


def downgrade() -> None:
    for table in TABLES:
        op.drop_index(f"ix_{table}_created_at_id", table_name=table)
