"""Writes of users."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import insert, select, update

from ..access import Actor, Permission, Role
from ..db import Session
from ..errors import FieldError, Invalid
from ..ids import new_id
from ..projects.queries import check_projects
from .models import user_projects, users
from .passwords import LONGEST, SHORTEST, hash_password

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|[^@\s]+@localhost")


def create_user(
    session: Session,
    actor: Actor,
    *,
    email: str,
    name: str,
    password: str,
    role: str,
    project_ids: Iterable[str] | None,
    now: datetime,
) -> str:
    """Create a user who may sign in to the portal; the role holds everywhere, or in `project_ids` only.

    Returns:
        The user's id.

    Raises:
        Forbidden: the actor may not manage users.
        Invalid: a field breaks a rule, or the address is taken.
    """
    actor.require(Permission.MANAGE_USERS)
    email = email.strip().lower()
    listed = list(project_ids or ())
    errors = _check(session, email, name, password, role) + check_projects(session, listed)
    if errors:
        raise Invalid(*errors)
    user_id = new_id("usr")
    session.execute(
        insert(users).values(
            id=user_id,
            email=email,
            name=name.strip(),
            password_hash=hash_password(password),
            role=role,
            all_projects=project_ids is None,
            created_at=now,
            updated_at=now,
        )
    )
    if listed:
        rows = [{"user_id": user_id, "project_id": project_id} for project_id in sorted(set(listed))]
        session.execute(insert(user_projects), rows)
    return user_id


def _check(session: Session, email: str, name: str, password: str, role: str) -> list[FieldError]:
    errors = []
    if not EMAIL.fullmatch(email) or len(email) > 254:
        errors.append(FieldError("/email", "invalid", "Give an e-mail address such as ada@example.com."))
    elif session.execute(select(users.c.id).where(users.c.email == email)).first():
        errors.append(FieldError("/email", "taken", "Another user has this e-mail address."))
    if not 1 <= len(name.strip()) <= 200:
        errors.append(FieldError("/name", "length", "Give a name of 1 to 200 characters."))
    if not SHORTEST <= len(password) <= LONGEST:
        errors.append(FieldError("/password", "length", f"Give a password of {SHORTEST} to {LONGEST} characters."))
    if role not in list(Role):
        errors.append(FieldError("/role", "unknown", f"The role must be one of {', '.join(Role)}."))
    return errors


def note_login(session: Session, user_id: str, now: datetime) -> None:
    """Remember when the user last signed in."""
    session.execute(update(users).where(users.c.id == user_id).values(last_login_at=now))
