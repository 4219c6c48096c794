"""The admin portal: `register` puts it on the application, `handle_error` answers its errors with pages."""

from __future__ import annotations

from flask import Blueprint, Flask, redirect, url_for
from htmx_flask import Htmx
from werkzeug.wrappers import Response

from . import assets, auth, csrf, headers, templating
from .api_keys import actions as api_keys
from .audit import views as audit
from .blueprint import guard
from .errors import handle_error
from .events import views as events
from .htmx import link
from .jobs import files as jobs
from .overview import views as overview
from .session import views as session
from .studio import decisions as studio
from .users import views as users
from .webhooks import replays as webhooks

SLICES = (
    session.blueprint, overview.blueprint, studio.blueprint, jobs.blueprint, api_keys.blueprint, webhooks.blueprint,
    events.blueprint, audit.blueprint, users.blueprint,
)  # fmt: skip

__all__ = ["handle_error", "register"]


def register(app: Flask) -> None:
    """Mount the portal under `/portal`, with its sessions, headers, templates and the redirect from `/`."""
    Htmx(app)
    assets.register(app)
    auth.register(app)
    headers.register(app)
    app.jinja_env.globals.update(csrf_field=csrf.csrf_field, csrf_token=csrf.csrf_token, link=link)
    templating.register(app.jinja_env)
    portal = Blueprint("portal", __name__, url_prefix="/portal")
    portal.before_request(guard)
    for blueprint in SLICES:
        portal.register_blueprint(blueprint)
    app.register_blueprint(portal)

    @app.get("/")
    def index() -> Response:
        return redirect(url_for("portal.overview.show"))
