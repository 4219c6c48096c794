"""Flask's session, kept in the database. The cookie holds a random token, the table its digest.

A visitor who has not signed in has a token too, which the CSRF token hangs on, but no row: looking at the sign-in page
writes nothing. Signing in and out changes the token, so a token planted before is worth nothing after.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SessionInterface, SessionMixin

from domain.accounts import sessions

from .context import client_ip, is_portal, services

TOKEN = re.compile(r"[A-Za-z0-9_\-]{43}")
# A session's last use is written at most this often, so that reading pages does not write.
TOUCH = timedelta(minutes=1)


class PortalSession(SecureCookieSession):
    """The session of one request.

    Attributes:
        token: what the cookie holds, or will.
        sent: whether the browser has that cookie already.
        created_at, seen_at: of its row; None without one.
        ended: the token whose row must go.
    """

    def __init__(self, data: dict[str, Any] | None = None, token: str | None = None) -> None:
        super().__init__(data)
        self.token = token or secrets.token_urlsafe(32)
        self.sent = token is not None
        self.created_at: datetime | None = None
        self.seen_at: datetime | None = None
        self.ended: str | None = None

    def renew(self) -> None:
        """Go on under another token; the old one opens nothing any more."""
        if self.created_at is not None:
            self.ended = self.token
        self.token, self.sent, self.created_at = secrets.token_urlsafe(32), False, None
        self.modified = True


def _cookie_name() -> str:
    return "__Host-callsheet" if services().settings.cookie_secure else "callsheet_session"


class DatabaseSessions(SessionInterface):
    """Opens and saves `PortalSession`s; requests outside the portal have none."""

    def open_session(self, app: Flask, request: Request) -> PortalSession | None:  # noqa: ARG002 - Flask's signature
        """The session that the cookie's token belongs to, or an empty one."""
        if not is_portal(request.path):
            return None
        token = request.cookies.get(_cookie_name(), "")
        if not TOKEN.fullmatch(token):
            return PortalSession()
        with services().database.reading() as database:
            row = sessions.find_session(database, token, services().clock())
        opened = PortalSession(row["data"] if row else None, token)
        if row is not None:
            opened.created_at, opened.seen_at = row["created_at"], row["seen_at"]
        return opened

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:  # noqa: ARG002
        """Write what changed, and the cookie when the token is new."""
        assert isinstance(session, PortalSession)
        user_id, now = session.get("_user_id"), services().clock()
        if session.ended is not None or (user_id is None and session.created_at is not None):
            with services().database.transaction() as database:
                sessions.end_session(database, session.ended or session.token)
        if user_id is not None:
            self._write(session, str(user_id), now)
        if not session.sent:
            secure = services().settings.cookie_secure
            response.set_cookie(_cookie_name(), session.token, path="/", httponly=True, samesite="Lax", secure=secure)

    def _write(self, session: PortalSession, user_id: str, now: datetime) -> None:
        if session.modified or session.created_at is None:
            agent = request.user_agent.string[:400]
            with services().database.transaction() as database:
                sessions.save_session(
                    database,
                    session.token,
                    user_id,
                    session,
                    now,
                    created_at=session.created_at,
                    ip=client_ip(),
                    user_agent=agent,
                )
        elif (session.seen_at is None or now - session.seen_at > TOUCH) and "HX-Request" not in request.headers:
            # A page that refreshes itself is nobody's presence.
            with services().database.transaction() as database:
                sessions.touch_session(database, session.token, now)
