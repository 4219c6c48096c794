"""What a view needs to know of its request: the services, who is signed in, the time, and how to note an action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from flask import current_app, g, request
from flask_login import current_user

from domain.access import Actor
from domain.audit.commands import AuditEntry, action_entry, write_entry
from domain.db import Session
from domain.ids import new_id
from domain.ports import Services, client_address

EXTENSION = "callsheet"
PREFIX = "/portal"


def is_portal(path: str) -> bool:
    """Whether the path is the portal's to answer."""
    return path in ("/", PREFIX) or path.startswith(f"{PREFIX}/")


def services() -> Services:
    """The application's services."""
    return cast(Services, current_app.extensions[EXTENSION])


def actor() -> Actor:
    """Who is signed in."""
    return cast(Actor, current_user.actor)


def client_ip() -> str:
    """The caller's address, as far as the configured proxies vouch for it."""
    forwarded = request.headers.get("X-Forwarded-For")
    return client_address(request.remote_addr, forwarded, services().settings.trusted_proxies)


def request_id() -> str:
    """The id of this request in logs and the audit trail."""
    if "portal_request_id" not in g:
        g.portal_request_id = new_id("req")
    return cast(str, g.portal_request_id)


def note(session: Session, action: str, changes: Mapping[str, Any] | None = None, who: Actor | None = None) -> None:
    """Write an action into the audit trail, in the transaction that does it."""
    write_entry(session, _entry(action, changes, who))


def note_alone(action: str, changes: Mapping[str, Any] | None = None, who: Actor | None = None) -> None:
    """Write what changes nothing, a reading or a refusal, into the audit trail: before its answer leaves."""
    services().audit.write(_entry(action, changes, who))


def _entry(action: str, changes: Mapping[str, Any] | None, who: Actor | None) -> AuditEntry:
    origin = {"request_id": request_id(), "ip": client_ip(), "user_agent": request.user_agent.string}
    return action_entry(who or actor(), "portal", action, services().clock(), changes=changes, **origin)
