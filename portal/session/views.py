"""Signing in and out, and the theme."""

from __future__ import annotations

from typing import cast

from flask import make_response, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from .. import auth
from ..blueprint import PortalBlueprint
from ..context import services
from ..forms import Form, read_form
from ..htmx import THEME_COOKIE, THEMES, render
from .forms import SignInForm

blueprint = PortalBlueprint("session", __name__, permission=None)

WRONG = "The e-mail address and the password do not fit together."
YEAR = 365 * 24 * 3600


@blueprint.get("/sign-in")
def sign_in() -> Response:
    """The sign-in page."""
    if current_user.is_authenticated:
        return redirect(_wanted())
    return _page(Form())


@blueprint.post("/sign-in")
def create() -> Response:
    """Sign in, and go where one was going."""
    form = read_form(SignInForm())
    if form.errors:
        return _page(form, 422)
    try:
        user = auth.attempt(form.data["email"], form.data["password"])
    except auth.TooManyAttempts as error:
        form.errors[""] = str(error)
        response = _page(form, 429)
        response.headers["Retry-After"] = str(error.seconds)
        return response
    if user is None:
        form.errors[""] = WRONG
        return _page(form, 422)
    return redirect(_wanted(), 303)


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """End the session."""
    if current_user.is_authenticated:
        auth.sign_out(cast(auth.PortalUser, current_user._get_current_object()))
    return redirect(url_for("portal.session.sign_in", signed_out=1), 303)


@blueprint.post("/theme")
def set_theme() -> Response:
    """Remember light, dark, or neither; for browsers without script."""
    response = make_response(redirect(_back(), 303))
    theme = request.form.get("theme", "")
    secure = services().settings.cookie_secure
    if theme in THEMES:
        response.set_cookie(THEME_COOKIE, theme, max_age=YEAR, path="/", samesite="Lax", secure=secure)
    else:
        response.delete_cookie(THEME_COOKIE, path="/", samesite="Lax", secure=secure)
    return response


def _page(form: Form, status: int = 200) -> Response:
    signed_out = "signed_out" in request.args and status == 200
    return render(
        "portal/session/sign_in.html",
        http_status=status,
        form=form,
        wanted=_wanted(),
        signed_out=signed_out,
        demo=services().settings.demo,
    )


def _wanted() -> str:
    """Where to go after signing in."""
    return _own_page(request.values.get("next", ""))


def _back() -> str:
    referrer = request.referrer or ""
    own = request.host_url
    return _own_page("/" + referrer.removeprefix(own) if referrer.startswith(own) else "")


def _own_page(path: str) -> str:
    """The path of a page of the portal as it is; for another site, or what no header can hold, the overview's."""
    fits = path.startswith("/portal/") and path.isprintable() and "\\" not in path
    return path if fits else url_for("portal.overview.show")
