"""Signing in: flask-login over server-side sessions, and the brake on guessing passwords."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from flask import Flask, request, session
from flask_login import LoginManager, UserMixin, login_user, logout_user
from sqlalchemy import RowMapping

from domain.access import Actor
from domain.accounts.commands import note_login
from domain.accounts.passwords import verify_password
from domain.accounts.queries import actor_of, find_by_email, find_user
from domain.audit.commands import AuditEntry, differences
from domain.audit.masking import clean_text
from domain.ports import limited_as

from .context import client_ip, note, request_id, services
from .server_sessions import DatabaseSessions, PortalSession

# Attempts a minute, by address and by account from that address; a well-behaved person needs neither.
ADDRESS_PER_MINUTE = 20
ACCOUNT_PER_MINUTE = 5


class TooManyAttempts(Exception):
    """Wait before trying again.

    Attributes:
        seconds: for how long.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many attempts. Try again in {seconds} seconds.")
        self.seconds = seconds


class PortalUser(UserMixin):  # type: ignore[misc]  # flask-login has no types
    """The signed-in user as flask-login knows it."""

    def __init__(self, row: RowMapping, actor: Actor) -> None:
        self.id = row["id"]
        self.email = row["email"]
        self.actor = actor


def register(app: Flask) -> None:
    """Install the sessions and flask-login."""
    app.session_interface = DatabaseSessions()
    manager = LoginManager()
    # The session is ours and ends at sign-out; binding it to an address would sign people out when they change trains.
    manager.session_protection = None
    manager.init_app(app)

    def load(user_id: str) -> PortalUser | None:
        with services().database.reading() as database:
            row = find_user(database, user_id)
            return PortalUser(row, actor_of(database, row)) if row is not None and row["active"] else None

    manager.user_loader(load)


def attempt(email: str, password: str) -> PortalUser | None:
    """Sign the user in, or None. An unknown address takes as long as a wrong password and reads the same.

    Raises:
        TooManyAttempts: by this address, or for this account from it.
    """
    now = services().clock()
    try:
        _brake(email)
    except TooManyAttempts:
        _note_refusal(None, now, status_code=429, problem="quota-exceeded")
        raise
    database = services().database
    with database.reading() as reading:
        row = find_by_email(reading, email)
    known = row["password_hash"] if row is not None and row["active"] else None
    if not verify_password(known, password) or row is None:
        _note_refusal(row, now)
        return None
    with database.transaction() as writing:
        user = PortalUser(row, actor_of(writing, row))
        note_login(writing, user.id, now)
        seen = differences({"last_login_at": row["last_login_at"]}, {"last_login_at": now})
        note(writing, "session.create", seen, who=user.actor)
    _start_afresh()
    login_user(user)
    return user


def sign_out(user: PortalUser) -> None:
    """End the session: its row goes, and with it the right of every copy of the cookie."""
    with services().database.transaction() as writing:
        note(writing, "session.end", who=user.actor)
    logout_user()
    _start_afresh()


def _start_afresh() -> None:
    session.clear()
    current = session._get_current_object()  # type: ignore[attr-defined]
    assert isinstance(current, PortalSession)
    current.renew()


def _brake(email: str) -> None:
    ip = limited_as(client_ip())
    account = hashlib.sha256(email.strip().lower().encode("utf-8", "replace")).hexdigest()[:24]
    buckets = ((f"sign-in:{ip}", ADDRESS_PER_MINUTE), (f"sign-in:{ip}:{account}", ACCOUNT_PER_MINUTE))
    for bucket, per_minute in buckets:
        grant = services().limiter.take(bucket, per_minute)
        if not grant.allowed:
            raise TooManyAttempts(max(grant.retry_after, 1))


def _note_refusal(row: RowMapping | None, now: datetime, **answer: Any) -> None:
    entry = AuditEntry(
        **answer,
        at=now,
        source="portal",
        user_id=row["id"] if row is not None else None,
        action="session.refuse",
        request_id=request_id(),
        ip=client_ip(),
        user_agent=clean_text(request.user_agent.string, 400),
    )
    services().audit.write(entry)
