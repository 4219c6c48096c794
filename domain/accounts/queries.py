"""Reads of users."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, RowMapping, select

from ..access import Actor, Role, scope_of_projects
from ..db import Session
from ..list_spec import ListSpec, Sortable
from .models import user_projects, users

USERS = ListSpec(
    users.c.id,
    Sortable.from_columns({name: users.c[name] for name in ("id", "email", "name", "role", "active", "created_at")}),
    "name",
    searched=(users.c.name, users.c.email),
)
# Everything but the password's hash.
SHOWN: tuple[ColumnElement[Any], ...] = tuple(column for column in users.c if column.name != "password_hash")


def find_by_email(session: Session, email: str) -> RowMapping | None:
    """The whole row, hash included, for signing in."""
    return session.execute(select(users).where(users.c.email == email.strip().lower())).mappings().first()


def find_user(session: Session, user_id: str) -> RowMapping | None:
    """The row without its hash."""
    return session.execute(select(*SHOWN).where(users.c.id == user_id)).mappings().first()


def actor_of(session: Session, user: RowMapping) -> Actor:
    """The user as an actor: the role, everywhere or in the user's projects."""
    chosen = select(user_projects.c.project_id).where(user_projects.c.user_id == user["id"])
    scope, project_ids = scope_of_projects(None if user["all_projects"] else session.execute(chosen).scalars())
    return Actor("user", user["id"], user["name"], Role(user["role"]), scope, project_ids)
