"""Seals of the audit trail, and how far it has been forwarded.

Code of the version before must keep working beside this schema: add before use, drop one release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from domain.db import Bytes, LongText, Moment, Str

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_seals",
        sa.Column("seal", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("checkpoint", LongText, nullable=False),
        sa.PrimaryKeyConstraint("seal", name=op.f("pk_audit_seals")),
    )
    op.create_table(
        "audit_sealed_rows",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row_id", Str, nullable=False),
        sa.Column("leaf", Bytes(), nullable=False),
        sa.Column("pruned_by", sa.BigInteger()),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit_sealed_rows")),
        sa.UniqueConstraint("row_id", name=op.f("uq_audit_sealed_rows_row_id")),
    )
    pruned = sa.text("pruned_by IS NOT NULL")
    op.create_index(
        "ix_audit_sealed_rows_pruned_by_sequence",
        "audit_sealed_rows",
        ["pruned_by", "sequence"],
        postgresql_where=pruned,
        sqlite_where=pruned,
    )
    op.create_table(
        "audit_forwards",
        sa.Column("target", Str, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("lease_token", Str),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", Moment()),
        sa.Column("error", LongText),
        sa.PrimaryKeyConstraint("target", name=op.f("pk_audit_forwards")),
    )


def downgrade() -> None:
    op.drop_table("audit_forwards")
    op.drop_table("audit_sealed_rows")
    op.drop_table("audit_seals")
