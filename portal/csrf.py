"""Refusing requests that another site made the browser send.

Two checks on every unsafe request: what the browser says of its origin (`Sec-Fetch-Site`, else `Origin`), and a token
that only our own pages hold: an HMAC of the session's token, in a form's field or, from htmx, in a header.
"""

from __future__ import annotations

import hashlib
import hmac

from flask import request, session
from markupsafe import Markup

from .context import services
from .server_sessions import PortalSession

FIELD = "csrf_token"
HEADER = "X-CSRF-Token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class CrossSiteRequest(Exception):
    """The request did not come from one of our pages, or from one that has been open for too long."""


def csrf_token() -> str:
    """The token of this session, for forms and for htmx's headers."""
    assert isinstance(session._get_current_object(), PortalSession)  # type: ignore[attr-defined]
    key = services().keyring.derive("portal csrf")
    return hmac.new(key, session.token.encode(), hashlib.sha256).hexdigest()  # type: ignore[attr-defined]


def csrf_field() -> Markup:
    """The hidden field of a POST form."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, csrf_token())


def check() -> None:
    """Raise `CrossSiteRequest` when an unsafe request is not one of ours."""
    if request.method in SAFE:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None and site not in ("same-origin", "none"):
        raise CrossSiteRequest
    if site is None and origin is not None and origin.partition("://")[2] != request.host:
        raise CrossSiteRequest
    given = request.headers.get(HEADER) or request.form.get(FIELD, "")
    if not hmac.compare_digest(given.encode(), csrf_token().encode()):
        raise CrossSiteRequest
