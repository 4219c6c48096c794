"""Generation jobs: what is to be made for a character, scene or segment, and how far it has come."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, false, literal_column

from ..db import Json, LongText, Moment, Number, Str, metadata
from ..entities import timestamps

STATUSES = ("waiting", "queued", "running", "succeeded", "failed", "cancelled")
PENDING = ("waiting", "queued")
ENDED = ("succeeded", "failed", "cancelled")
BROKEN = ("failed", "cancelled")  # what depends on such a job cannot be done

jobs = Table(
    "jobs",
    metadata,
    Column("id", Str, primary_key=True),
    Column("project_id", Str, ForeignKey("projects.id"), nullable=False),
    Column("kind", Str, nullable=False),
    Column("target_object", Str, nullable=False),
    Column("target_id", Str, nullable=False),
    Column("params", Json, nullable=False, server_default="{}"),
    Column("priority", Integer, nullable=False, server_default="50"),
    Column("status", Str, nullable=False, server_default="queued"),
    Column("progress", Number, nullable=False, server_default="0"),  # percent
    Column("message", LongText),
    Column("result", Json),
    Column("error", Json),  # of the last attempt: {"code", "message"}
    Column("attempts", Integer, nullable=False, server_default="0"),
    # Somebody retried it after these: as many as `max_attempts` may follow.
    Column("attempts_before", Integer, nullable=False, server_default="0"),
    Column("max_attempts", Integer, nullable=False, server_default="3"),
    Column("depends_on", Json, nullable=False, server_default="[]"),  # as `job_dependencies` has it, for who reads
    Column("cost", Json),
    Column("cancel_requested", Boolean, nullable=False, server_default=false()),
    Column("worker", Str),  # who has it, or had it last
    Column("lease_digest", Str),  # SHA-256 of the token of whoever holds the lease
    Column("lease_expires_at", Moment),
    Column("submitted_by", Json, nullable=False),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    *timestamps(),
)
# In literals: only so does a planner see that an index of these alone will do.
QUEUED = jobs.c.status == literal_column("'queued'")
RUNNING = jobs.c.status == literal_column("'running'")
Index("ix_jobs_queue", jobs.c.priority.desc(), jobs.c.id, postgresql_where=QUEUED, sqlite_where=QUEUED)
Index("ix_jobs_leases", jobs.c.lease_expires_at, postgresql_where=RUNNING, sqlite_where=RUNNING)
Index("ix_jobs_created_at_id", jobs.c.created_at, jobs.c.id)
Index("ix_jobs_project_id_created_at_id", jobs.c.project_id, jobs.c.created_at, jobs.c.id)
Index("ix_jobs_target_id_created_at_id", jobs.c.target_id, jobs.c.created_at, jobs.c.id)

job_dependencies = Table(
    "job_dependencies",
    metadata,
    Column("job_id", Str, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("depends_on_id", Str, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
)
Index("ix_job_dependencies_depends_on_id", job_dependencies.c.depends_on_id)

job_failures = Table(
    "job_failures",
    metadata,
    Column("job_id", Str, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("worker", Str, primary_key=True),
    Column("count", Integer, nullable=False),
)
