"""Users of the portal, the projects they belong to, and their sessions."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Table, true

from ..db import Bytes, Json, Moment, Str, metadata
from ..entities import timestamps

users = Table(
    "users",
    metadata,
    Column("id", Str, primary_key=True),
    Column("email", Str, nullable=False, unique=True),  # lower case
    Column("name", Str, nullable=False),
    Column("password_hash", Str, nullable=False),  # argon2id, PHC form
    Column("role", Str, nullable=False),
    Column("active", Boolean, nullable=False, server_default=true()),
    # False: the role holds only in the projects of `user_projects`.
    Column("all_projects", Boolean, nullable=False, server_default=true()),
    Column("last_login_at", Moment),
    *timestamps(),
)

user_projects = Table(
    "user_projects",
    metadata,
    Column("user_id", Str, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("project_id", Str, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True, index=True),
)

sessions = Table(
    "sessions",
    metadata,
    # SHA-256 of the cookie's token: a stolen table opens no session.
    Column("digest", Bytes, primary_key=True),
    Column("user_id", Str, ForeignKey("users.id", ondelete="CASCADE"), index=True),
    Column("data", Json, nullable=False),
    Column("ip", Str),
    Column("user_agent", Str),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False, index=True),
)
