"""Files of jobs, takes of assets, and the take that an approval is about.

Code of the version before must keep working beside this schema: add before use, drop one release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from domain.db import Json, Moment, Str

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "artifacts",
        *_head("artifacts"),
        sa.Column("job_id", Str, nullable=False),
        sa.Column("name", Str, nullable=False),
        sa.Column("media_type", Str, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", Str, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("blob", Str, nullable=False),
        *_times(),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_artifacts_job_id"), ondelete="CASCADE"),
        sa.UniqueConstraint("job_id", "name", name=op.f("uq_artifacts_job_id_name")),
        sa.UniqueConstraint("blob", name=op.f("uq_artifacts_blob")),
    )
    op.create_table(
        "takes",
        *_head("takes"),
        sa.Column("target_object", Str, nullable=False),
        sa.Column("target_id", Str, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("job_id", Str, nullable=False),
        sa.Column("kind", Str, nullable=False),
        sa.Column("params", Json, nullable=False),
        sa.Column("cost", Json),
        sa.Column("thumbnail_id", Str),
        sa.Column("media_id", Str),
        sa.Column("submitted_by", Json, nullable=False),
        *_times(),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_takes_job_id"), ondelete="CASCADE"),
        *(_of_artifact(column) for column in ("thumbnail_id", "media_id")),
        sa.UniqueConstraint("job_id", name=op.f("uq_takes_job_id")),
        sa.UniqueConstraint("target_id", "number", name=op.f("uq_takes_target_id_number")),
    )
    op.create_index("ix_takes_project_id_created_at_id", "takes", ["project_id", "created_at", "id"])
    op.add_column("approvals", sa.Column("take_id", Str))


def _head(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("id", Str, nullable=False),
        sa.Column("project_id", Str, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f(f"fk_{table}_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _times() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
    )


def _of_artifact(column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["artifacts.id"], name=op.f(f"fk_takes_{column}"), ondelete="SET NULL")


def downgrade() -> None:
    op.drop_column("approvals", "take_id")
    op.drop_table("takes")
    op.drop_table("artifacts")
