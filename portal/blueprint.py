"""Blueprints that cannot forget to ask who is there: each names the permission that all its pages need."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, current_app, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from domain.access import Permission

from . import csrf
from .context import actor

LARGEST_FORM = 512 * 1024


class PortalBlueprint(Blueprint):
    """A slice of the portal.

    Args:
        permission: what its pages need; None for pages that need nobody to be signed in.
    """

    def __init__(self, name: str, import_name: str, *, permission: Permission | None, **options: Any) -> None:
        super().__init__(name, import_name, **options)
        self.permission = permission


def guard() -> Response | None:
    """Before every view of the portal: CSRF, then sign-in and permission. What declares nothing is refused."""
    # Reading a form comes before knowing who sends it: without a limit anybody could fill the disk with an upload.
    request.max_content_length = LARGEST_FORM
    csrf.check()
    blueprint = current_app.blueprints.get(request.blueprint or "")
    if not isinstance(blueprint, PortalBlueprint):
        abort(403)
    if blueprint.permission is None:
        return None
    if not current_user.is_authenticated:
        return _to_sign_in()
    actor().require(blueprint.permission)
    return None


def _to_sign_in() -> Response:
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    target = url_for("portal.session.sign_in", next=wanted)
    if request.headers.get("HX-Request"):
        # A redirect would be followed by fetch and the sign-in page put into a corner of this one.
        return Response(status=401, headers={"HX-Redirect": url_for("portal.session.sign_in")})
    return redirect(target, 303)
