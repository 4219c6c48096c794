"""Tags, reasons and expiry notices of API keys; the retirement and last use of each of their secrets.

Code of the version before must keep working beside this schema: add before use, drop one release later.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from domain.db import Json, LongText, Moment, Str

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _columns() -> dict[str, tuple[sa.Column[Any], ...]]:
    return {
        "api_keys": (
            sa.Column("tags", Json(), server_default="[]", nullable=False),
            sa.Column("expiry_notice", sa.Integer(), nullable=True),
            sa.Column("suspended_reason", LongText, nullable=True),
            sa.Column("revoked_reason", LongText, nullable=True),
        ),
        "api_key_secrets": (
            sa.Column("retired_at", Moment(), nullable=True),
            sa.Column("last_used_at", Moment(), nullable=True),
            sa.Column("last_used_ip", Str, nullable=True),
        ),
    }


def upgrade() -> None:
    for table, columns in _columns().items():
        for column in columns:
            op.add_column(table, column)


def downgrade() -> None:
    for table, columns in _columns().items():
        for column in columns:
            op.drop_column(table, column.name)
