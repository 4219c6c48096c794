"""The first tables.

Code of the version before must keep working beside this schema: add before use, drop one release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from domain.db import Bytes, Json, LongText, Moment, Sequence64, Str

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_audit_log",
        sa.Column("id", Str, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("source", Str, nullable=False),
        sa.Column("key_id", Str, nullable=True),
        sa.Column("secret_id", Str, nullable=True),
        sa.Column("user_id", Str, nullable=True),
        sa.Column("action", Str, nullable=True),
        sa.Column("method", Str, nullable=True),
        sa.Column("route", Str, nullable=True),
        sa.Column("path", LongText, nullable=True),
        sa.Column("params", Json(), nullable=True),
        sa.Column("changes", Json(), nullable=True),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("problem", Str, nullable=True),
        sa.Column("request_id", Str, nullable=True),
        sa.Column("idempotency", Str, nullable=True),
        sa.Column("rate_limit", Str, nullable=True),
        sa.Column("ip", Str, nullable=True),
        sa.Column("user_agent", LongText, nullable=True),
        sa.Column("bytes_in", sa.BigInteger(), nullable=True),
        sa.Column("bytes_out", sa.BigInteger(), nullable=True),
        sa.Column("duration_ms", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_audit_log")),
    )
    op.create_index("ix_api_audit_log_at_id", "api_audit_log", ["at", "id"], unique=False)
    op.create_index("ix_api_audit_log_key_id_at_id", "api_audit_log", ["key_id", "at", "id"], unique=False)
    op.create_index("ix_api_audit_log_request_id_at_id", "api_audit_log", ["request_id", "at", "id"], unique=False)
    op.create_index("ix_api_audit_log_route_at_id", "api_audit_log", ["route", "at", "id"], unique=False)
    op.create_index("ix_api_audit_log_user_id_at_id", "api_audit_log", ["user_id", "at", "id"], unique=False)
    op.create_table(
        "api_keys",
        sa.Column("id", Str, nullable=False),
        sa.Column("name", Str, nullable=False),
        sa.Column("description", LongText, server_default="", nullable=False),
        sa.Column("role", Str, nullable=False),
        sa.Column("scope", Str, nullable=False),
        sa.Column("read_per_minute", sa.Integer(), nullable=False),
        sa.Column("write_per_minute", sa.Integer(), nullable=False),
        sa.Column("allowed_cidrs", Json(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.Column("suspended_at", Moment(), nullable=True),
        sa.Column("revoked_at", Moment(), nullable=True),
        sa.Column("epoch", sa.Integer(), server_default="1", nullable=False),
        sa.Column("last_used_at", Moment(), nullable=True),
        sa.Column("last_used_ip", Str, nullable=True),
        sa.Column("created_by", Json(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_index(op.f("ix_api_keys_expires_at"), "api_keys", ["expires_at"], unique=False)
    op.create_table(
        "heartbeats",
        sa.Column("name", Str, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "installation",
        sa.Column("name", Str, nullable=False),
        sa.Column("value", Str, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation")),
    )
    op.create_table(
        "projects",
        sa.Column("id", Str, nullable=False),
        sa.Column("name", Str, nullable=False),
        sa.Column("code", Str, nullable=False),
        sa.Column("description", LongText, server_default="", nullable=False),
        sa.Column("status", Str, server_default="active", nullable=False),
        sa.Column("strict_metadata", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("external_ids", Json(), server_default="{}", nullable=False),
        sa.Column("metadata", Json(), server_default="{}", nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("code", name=op.f("uq_projects_code")),
    )
    op.create_index(op.f("ix_projects_name"), "projects", ["name"], unique=False)
    op.create_table(
        "rate_buckets",
        sa.Column("name", Str, nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_rate_buckets")),
    )
    op.create_table(
        "users",
        sa.Column("id", Str, nullable=False),
        sa.Column("email", Str, nullable=False),
        sa.Column("name", Str, nullable=False),
        sa.Column("password_hash", Str, nullable=False),
        sa.Column("role", Str, nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("all_projects", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("last_login_at", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_table(
        "webhooks",
        sa.Column("id", Str, nullable=False),
        sa.Column("url", LongText, nullable=False),
        sa.Column("description", LongText, server_default="", nullable=False),
        sa.Column("event_types", Json(), nullable=False),
        sa.Column("all_projects", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("payload_version", Str, server_default="v1", nullable=False),
        sa.Column("signature", Str, server_default="v1", nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("disabled_reason", Str, nullable=True),
        sa.Column("failing_since", Moment(), nullable=True),
        sa.Column("created_by", Json(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    op.create_table(
        "api_key_projects",
        sa.Column("key_id", Str, nullable=False),
        sa.Column("project_id", Str, nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_keys.id"], name=op.f("fk_api_key_projects_key_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_api_key_projects_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key_id", "project_id", name=op.f("pk_api_key_projects")),
    )
    op.create_index(op.f("ix_api_key_projects_project_id"), "api_key_projects", ["project_id"], unique=False)
    op.create_table(
        "api_key_secrets",
        sa.Column("id", Str, nullable=False),
        sa.Column("key_id", Str, nullable=False),
        sa.Column("digest", Bytes(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_keys.id"], name=op.f("fk_api_key_secrets_key_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key_secrets")),
    )
    op.create_index(op.f("ix_api_key_secrets_key_id"), "api_key_secrets", ["key_id"], unique=False)
    op.create_table(
        "approvals",
        sa.Column("id", Str, nullable=False),
        sa.Column("project_id", Str, nullable=False),
        sa.Column("asset_object", Str, nullable=False),
        sa.Column("asset_id", Str, nullable=False),
        sa.Column("decision", Str, nullable=False),
        sa.Column("note", LongText, server_default="", nullable=False),
        sa.Column("decided_by", Json(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_approvals_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    op.create_index("ix_approvals_asset_id_id", "approvals", ["asset_id", "id"], unique=False)
    op.create_index("ix_approvals_created_at_id", "approvals", ["created_at", "id"], unique=False)
    op.create_table(
        "characters",
        sa.Column("id", Str, nullable=False),
        sa.Column("project_id", Str, nullable=False),
        sa.Column("name", Str, nullable=False),
        sa.Column("code", Str, nullable=False),
        sa.Column("description", LongText, server_default="", nullable=False),
        sa.Column("status", Str, server_default="draft", nullable=False),
        sa.Column("external_ids", Json(), server_default="{}", nullable=False),
        sa.Column("metadata", Json(), server_default="{}", nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_characters_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_characters")),
        sa.UniqueConstraint("project_id", "code", name=op.f("uq_characters_project_id_code")),
    )
    op.create_index("ix_characters_name_id", "characters", ["name", "id"], unique=False)
    op.create_index("ix_characters_project_id_name_id", "characters", ["project_id", "name", "id"], unique=False)
    op.create_table(
        "events",
        sa.Column("seq", Sequence64, autoincrement=True, nullable=False),
        sa.Column("id", Str, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("type", Str, nullable=False),
        sa.Column("family", Str, nullable=False),
        sa.Column("project_id", Str, nullable=True),
        sa.Column("entity_object", Str, nullable=False),
        sa.Column("entity_id", Str, nullable=False),
        sa.Column("actor", Json(), nullable=False),
        sa.Column("request_id", Str, nullable=True),
        sa.Column("body", LongText, nullable=False),
        sa.Column("thin_body", LongText, nullable=False),
        sa.Column("is_test", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_events_project_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        sa.UniqueConstraint("id", name=op.f("uq_events_id")),
        sa.UniqueConstraint("position", name=op.f("uq_events_position")),
    )
    op.create_index(op.f("ix_events_created_at"), "events", ["created_at"], unique=False)
    op.create_index("ix_events_entity_id_seq", "events", ["entity_id", "seq"], unique=False)
    op.create_table(
        "idempotency_records",
        sa.Column("key_id", Str, nullable=False),
        sa.Column("method", Str, nullable=False),
        sa.Column("path", Str, nullable=False),
        sa.Column("idempotency_key", Str, nullable=False),
        sa.Column("body_digest", Bytes(), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("headers", Json(), nullable=True),
        sa.Column("body", Bytes(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_keys.id"], name=op.f("fk_idempotency_records_key_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key_id", "method", "path", "idempotency_key", name=op.f("pk_idempotency_records")),
    )
    op.create_index(op.f("ix_idempotency_records_created_at"), "idempotency_records", ["created_at"], unique=False)
    op.create_table(
        "metadata_fields",
        sa.Column("id", Str, nullable=False),
        sa.Column("project_id", Str, nullable=False),
        sa.Column("object", Str, nullable=False),
        sa.Column("key", Str, nullable=False),
        sa.Column("type", Str, nullable=False),
        sa.Column("required", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("rules", Json(), server_default="{}", nullable=False),
        sa.Column("description", LongText, server_default="", nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_metadata_fields_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metadata_fields")),
        sa.UniqueConstraint("project_id", "object", "key", name=op.f("uq_metadata_fields_project_id_object_key")),
    )
    op.create_table(
        "metadata_values",
        sa.Column("entity_id", Str, nullable=False),
        sa.Column("key", Str, nullable=False),
        sa.Column("project_id", Str, nullable=False),
        sa.Column("object", Str, nullable=False),
        sa.Column("text_value", Str, nullable=True),
        sa.Column("number_value", sa.Numeric(), nullable=True),
        sa.Column("time_value", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_metadata_values_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("entity_id", "key", name=op.f("pk_metadata_values")),
    )
    op.create_index(
        "ix_metadata_values_key_number_value",
        "metadata_values",
        ["key", "number_value", "entity_id"],
        unique=False,
        postgresql_where=sa.text("number_value IS NOT NULL"),
        sqlite_where=sa.text("number_value IS NOT NULL"),
    )
    op.create_index(
        "ix_metadata_values_key_text_value",
        "metadata_values",
        ["key", "text_value", "entity_id"],
        unique=False,
        postgresql_where=sa.text("text_value IS NOT NULL"),
        sqlite_where=sa.text("text_value IS NOT NULL"),
    )
    op.create_index(
        "ix_metadata_values_key_time_value",
        "metadata_values",
        ["key", "time_value", "entity_id"],
        unique=False,
        postgresql_where=sa.text("time_value IS NOT NULL"),
        sqlite_where=sa.text("time_value IS NOT NULL"),
    )
    op.create_table(
        "scenes",
        sa.Column("id", Str, nullable=False),
        sa.Column("project_id", Str, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", Str, nullable=False),
        sa.Column("code", Str, nullable=False),
        sa.Column("description", LongText, server_default="", nullable=False),
        sa.Column("status", Str, server_default="draft", nullable=False),
        sa.Column("external_ids", Json(), server_default="{}", nullable=False),
        sa.Column("metadata", Json(), server_default="{}", nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_scenes_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scenes")),
        sa.UniqueConstraint("project_id", "code", name=op.f("uq_scenes_project_id_code")),
    )
    op.create_index("ix_scenes_name_id", "scenes", ["name", "id"], unique=False)
    op.create_index("ix_scenes_position_id", "scenes", ["position", "id"], unique=False)
    op.create_index("ix_scenes_project_id_name_id", "scenes", ["project_id", "name", "id"], unique=False)
    op.create_index("ix_scenes_project_id_position_id", "scenes", ["project_id", "position", "id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("digest", Bytes(), nullable=False),
        sa.Column("user_id", Str, nullable=True),
        sa.Column("data", Json(), nullable=False),
        sa.Column("ip", Str, nullable=True),
        sa.Column("user_agent", Str, nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "user_projects",
        sa.Column("user_id", Str, nullable=False),
        sa.Column("project_id", Str, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_user_projects_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_projects_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "project_id", name=op.f("pk_user_projects")),
    )
    op.create_index(op.f("ix_user_projects_project_id"), "user_projects", ["project_id"], unique=False)
    op.create_table(
        "webhook_event_types",
        sa.Column("webhook_id", Str, nullable=False),
        sa.Column("pattern", Str, nullable=False),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_webhook_event_types_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("webhook_id", "pattern", name=op.f("pk_webhook_event_types")),
    )
    op.create_index("ix_webhook_event_types_pattern", "webhook_event_types", ["pattern", "webhook_id"], unique=False)
    op.create_table(
        "webhook_projects",
        sa.Column("webhook_id", Str, nullable=False),
        sa.Column("project_id", Str, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_webhook_projects_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_webhook_projects_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("webhook_id", "project_id", name=op.f("pk_webhook_projects")),
    )
    op.create_index(op.f("ix_webhook_projects_project_id"), "webhook_projects", ["project_id"], unique=False)
    op.create_table(
        "webhook_secrets",
        sa.Column("id", Str, nullable=False),
        sa.Column("webhook_id", Str, nullable=False),
        sa.Column("sealed", Bytes(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_webhook_secrets_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_secrets")),
    )
    op.create_index(op.f("ix_webhook_secrets_webhook_id"), "webhook_secrets", ["webhook_id"], unique=False)
    op.create_table(
        "segments",
        sa.Column("id", Str, nullable=False),
        sa.Column("project_id", Str, nullable=False),
        sa.Column("scene_id", Str, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("frame_in", sa.Integer(), nullable=True),
        sa.Column("frame_out", sa.Integer(), nullable=True),
        sa.Column("name", Str, nullable=False),
        sa.Column("code", Str, nullable=False),
        sa.Column("description", LongText, server_default="", nullable=False),
        sa.Column("status", Str, server_default="draft", nullable=False),
        sa.Column("external_ids", Json(), server_default="{}", nullable=False),
        sa.Column("metadata", Json(), server_default="{}", nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_segments_project_id")),
        sa.ForeignKeyConstraint(["scene_id"], ["scenes.id"], name=op.f("fk_segments_scene_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segments")),
        sa.UniqueConstraint("project_id", "code", name=op.f("uq_segments_project_id_code")),
    )
    op.create_index("ix_segments_name_id", "segments", ["name", "id"], unique=False)
    op.create_index("ix_segments_position_id", "segments", ["position", "id"], unique=False)
    op.create_index("ix_segments_project_id_name_id", "segments", ["project_id", "name", "id"], unique=False)
    op.create_index("ix_segments_project_id_position_id", "segments", ["project_id", "position", "id"], unique=False)
    op.create_index("ix_segments_scene_id_position_id", "segments", ["scene_id", "position", "id"], unique=False)
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", Str, nullable=False),
        sa.Column("webhook_id", Str, nullable=False),
        sa.Column("event_id", Str, nullable=False),
        sa.Column("replay_id", Str, server_default="", nullable=False),
        sa.Column("event_type", Str, nullable=False),
        sa.Column("status", Str, server_default="pending", nullable=False),
        sa.Column("attempts_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("lease_token", Str, nullable=True),
        sa.Column("last_status_code", sa.Integer(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("finished_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_webhook_deliveries_event_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_webhook_deliveries_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint(
            "event_id", "webhook_id", "replay_id", name=op.f("uq_webhook_deliveries_event_id_webhook_id_replay_id")
        ),
    )
    op.create_index("ix_webhook_deliveries_created_at", "webhook_deliveries", ["created_at"], unique=False)
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["due_at", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('pending', 'sending')"),
        sqlite_where=sa.text("status IN ('pending', 'sending')"),
    )
    op.create_index(
        "ix_webhook_deliveries_webhook_id_created_at",
        "webhook_deliveries",
        ["webhook_id", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "webhook_attempts",
        sa.Column("delivery_id", Str, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("address", Str, nullable=True),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("error", Str, nullable=True),
        sa.Column("message", LongText, server_default="", nullable=False),
        sa.Column("request_headers", Json(), nullable=False),
        sa.Column("response_headers", Json(), nullable=False),
        sa.Column("response_body", LongText, server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["webhook_deliveries.id"], name=op.f("fk_webhook_attempts_delivery_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("delivery_id", "number", name=op.f("pk_webhook_attempts")),
    )


def downgrade() -> None:
    op.drop_table("webhook_attempts")
    op.drop_index("ix_webhook_deliveries_webhook_id_created_at", table_name="webhook_deliveries")
    op.drop_index(
        "ix_webhook_deliveries_due",
        table_name="webhook_deliveries",
        postgresql_where=sa.text("status IN ('pending', 'sending')"),
        sqlite_where=sa.text("status IN ('pending', 'sending')"),
    )
    op.drop_index("ix_webhook_deliveries_created_at", table_name="webhook_deliveries")
    op.drop_table("webhook_deliveries")
    op.drop_index("ix_segments_scene_id_position_id", table_name="segments")
    op.drop_index("ix_segments_project_id_position_id", table_name="segments")
    op.drop_index("ix_segments_project_id_name_id", table_name="segments")
    op.drop_index("ix_segments_position_id", table_name="segments")
    op.drop_index("ix_segments_name_id", table_name="segments")
    op.drop_table("segments")
    op.drop_index(op.f("ix_webhook_secrets_webhook_id"), table_name="webhook_secrets")
    op.drop_table("webhook_secrets")
    op.drop_index(op.f("ix_webhook_projects_project_id"), table_name="webhook_projects")
    op.drop_table("webhook_projects")
    op.drop_index("ix_webhook_event_types_pattern", table_name="webhook_event_types")
    op.drop_table("webhook_event_types")
    op.drop_index(op.f("ix_user_projects_project_id"), table_name="user_projects")
    op.drop_table("user_projects")
    op.drop_index(op.f("ix_sessions_user_id"), table_name="sessions")
    op.drop_index(op.f("ix_sessions_expires_at"), table_name="sessions")
    op.drop_table("sessions")
    op.drop_index("ix_scenes_project_id_position_id", table_name="scenes")
    op.drop_index("ix_scenes_project_id_name_id", table_name="scenes")
    op.drop_index("ix_scenes_position_id", table_name="scenes")
    op.drop_index("ix_scenes_name_id", table_name="scenes")
    op.drop_table("scenes")
    op.drop_index(
        "ix_metadata_values_key_time_value",
        table_name="metadata_values",
        postgresql_where=sa.text("time_value IS NOT NULL"),
        sqlite_where=sa.text("time_value IS NOT NULL"),
    )
    op.drop_index(
        "ix_metadata_values_key_text_value",
        table_name="metadata_values",
        postgresql_where=sa.text("text_value IS NOT NULL"),
        sqlite_where=sa.text("text_value IS NOT NULL"),
    )
    op.drop_index(
        "ix_metadata_values_key_number_value",
        table_name="metadata_values",
        postgresql_where=sa.text("number_value IS NOT NULL"),
        sqlite_where=sa.text("number_value IS NOT NULL"),
    )
    op.drop_table("metadata_values")
    op.drop_table("metadata_fields")
    op.drop_index(op.f("ix_idempotency_records_created_at"), table_name="idempotency_records")
    op.drop_table("idempotency_records")
    op.drop_index("ix_events_entity_id_seq", table_name="events")
    op.drop_index(op.f("ix_events_created_at"), table_name="events")
    op.drop_table("events")
    op.drop_index("ix_characters_project_id_name_id", table_name="characters")
    op.drop_index("ix_characters_name_id", table_name="characters")
    op.drop_table("characters")
    op.drop_index("ix_approvals_created_at_id", table_name="approvals")
    op.drop_index("ix_approvals_asset_id_id", table_name="approvals")
    op.drop_table("approvals")
    op.drop_index(op.f("ix_api_key_secrets_key_id"), table_name="api_key_secrets")
    op.drop_table("api_key_secrets")
    op.drop_index(op.f("ix_api_key_projects_project_id"), table_name="api_key_projects")
    op.drop_table("api_key_projects")
    op.drop_table("webhooks")
    op.drop_table("users")
    op.drop_table("rate_buckets")
    op.drop_index(op.f("ix_projects_name"), table_name="projects")
    op.drop_table("projects")
    op.drop_table("installation")
    op.drop_table("heartbeats")
    op.drop_index(op.f("ix_api_keys_expires_at"), table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_index("ix_api_audit_log_user_id_at_id", table_name="api_audit_log")
    op.drop_index("ix_api_audit_log_route_at_id", table_name="api_audit_log")
    op.drop_index("ix_api_audit_log_request_id_at_id", table_name="api_audit_log")
    op.drop_index("ix_api_audit_log_key_id_at_id", table_name="api_audit_log")
    op.drop_index("ix_api_audit_log_at_id", table_name="api_audit_log")
    op.drop_table("api_audit_log")
