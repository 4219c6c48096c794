"""Generation jobs, what they depend on, and which worker failed them how often.

Code of the version before must keep working beside this schema: add before use, drop one release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from domain.db import Json, LongText, Moment, Number, Str

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", Str, nullable=False),
        sa.Column("project_id", Str, nullable=False),
        sa.Column("kind", Str, nullable=False),
        sa.Column("target_object", Str, nullable=False),
        sa.Column("target_id", Str, nullable=False),
        sa.Column("params", Json, nullable=False, server_default="{}"),
        sa.Column("priority", sa.Integer(), nullable=False, server_default="50"),
        sa.Column("status", Str, nullable=False, server_default="queued"),
        sa.Column("progress", Number(), nullable=False, server_default="0"),
        sa.Column("message", LongText),
        sa.Column("result", Json),
        sa.Column("error", Json),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("attempts_before", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("max_attempts", sa.Integer(), nullable=False, server_default="3"),
        sa.Column("depends_on", Json, nullable=False, server_default="[]"),
        sa.Column("cost", Json),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("worker", Str),
        sa.Column("lease_digest", Str),
        sa.Column("lease_expires_at", Moment()),
        sa.Column("submitted_by", Json, nullable=False),
        sa.Column("started_at", Moment()),
        sa.Column("finished_at", Moment()),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_jobs_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    _create_indexes()
    op.create_table(
        "job_dependencies",
        sa.Column("job_id", Str, nullable=False),
        sa.Column("depends_on_id", Str, nullable=False),
        *(_of_job("job_dependencies", name) for name in ("job_id", "depends_on_id")),
        sa.PrimaryKeyConstraint("job_id", "depends_on_id", name=op.f("pk_job_dependencies")),
    )
    op.create_index("ix_job_dependencies_depends_on_id", "job_dependencies", ["depends_on_id"])
    op.create_table(
        "job_failures",
        sa.Column("job_id", Str, nullable=False),
        sa.Column("worker", Str, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        _of_job("job_failures", "job_id"),
        sa.PrimaryKeyConstraint("job_id", "worker", name=op.f("pk_job_failures")),
    )


def _of_job(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["jobs.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE")


def _create_indexes() -> None:
    queued, running = sa.text("status = 'queued'"), sa.text("status = 'running'")
    op.create_index(
        "ix_jobs_queue", "jobs", [sa.text("priority DESC"), "id"], postgresql_where=queued, sqlite_where=queued
    )
    op.create_index("ix_jobs_leases", "jobs", ["lease_expires_at"], postgresql_where=running, sqlite_where=running)
    for column in ("created_at", "project_id", "target_id"):
        columns = list(dict.fromkeys([column, "created_at", "id"]))
        op.create_index(f"ix_jobs_{'_'.join(columns)}", "jobs", columns)


def downgrade() -> None:
    for table in ("job_failures", "job_dependencies", "jobs"):
        op.drop_table(table)
