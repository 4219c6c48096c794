"""The demo receiver's pages and its endpoint."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest, Forbidden
from werkzeug.wrappers import Response as BaseResponse

from config import ROOT
from domain.clock import rfc3339

from .arrivals import KEPT, Arrivals
from .secrets import KnownSecrets, NotASecret

LARGEST_BODY = 1024 * 1024
LONGEST_DELAY = 60.0
SHOWN = 100
REFRESH_SECONDS = 2
# The portal's colours, and what this page adds.
STYLES = (ROOT / "static" / "css" / "tokens.css", Path(__file__).parent / "static" / "style.css")
POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def create_receiver(secrets_file: Path | None) -> Flask:
    """The application.

    Args:
        secrets_file: signing secrets, one a line; read again when it changes. None: only those added on the page.
    """
    app = Flask("dev.receiver", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.jinja_env.filters["rfc3339"] = rfc3339
    arrivals, secrets = Arrivals(), KnownSecrets(secrets_file)
    _register_endpoint(app, arrivals, secrets)
    _register_pages(app, arrivals, secrets)

    @app.before_request
    def refuse_other_sites() -> None:
        """No page of another site may clear the list or add a secret through somebody's browser."""
        if request.method != "GET" and request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise Forbidden("This is for requests from this receiver's own page.")

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return app


def _register_endpoint(app: Flask, arrivals: Arrivals, secrets: KnownSecrets) -> None:
    @app.post("/hooks/<name>")
    def receive(name: str) -> tuple[Response, int]:
        """Take a webhook; `?status=` and `?delay=` play a failing or slow receiver."""
        status, delay = _played("status", 200.0, 200.0, 599.0), _played("delay", 0.0, 0.0, LONGEST_DELAY)
        arrival = arrivals.take(name, dict(request.headers), request.get_data(), secrets.all(), int(status))
        time.sleep(delay)
        answer: dict[str, Any] = {"received": arrival.status < 300, "verified": arrival.verified}
        if arrival.reason:
            answer["reason"] = arrival.reason
        return jsonify(answer), arrival.status


def _played(name: str, default: float, low: float, high: float) -> float:
    text = request.args.get(name, "")
    try:
        value = float(text or default)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise BadRequest(f"`{name}` must be a number from {low:g} to {high:g}.")
    return value


def _register_pages(app: Flask, arrivals: Arrivals, secrets: KnownSecrets) -> None:
    @app.get("/")
    def index() -> str:
        """What arrived, newest first. The row that is open is part of the address, so that it survives a refresh."""
        found, paused = arrivals.newest_first(), "paused" in request.args
        return render_template(
            "arrivals.html",
            arrivals=found[:SHOWN],
            total=len(found),
            kept=KEPT,
            opened=request.args.get("open", type=int),
            secrets=len(secrets.all()),
            paused=paused,
            refresh=None if paused else REFRESH_SECONDS,
            base=request.host_url.rstrip("/"),
        )

    @app.get("/style.css")
    def style() -> Response:
        css = "\n".join(path.read_text(encoding="utf-8") for path in STYLES)
        return Response(css, content_type="text/css; charset=utf-8")

    @app.get("/arrivals")
    def list_arrivals() -> Response:
        """The same as JSON."""
        found = [arrival.as_data() for arrival in arrivals.newest_first()]
        return jsonify({"arrivals": found, "count": len(found)})

    @app.delete("/arrivals")
    def delete_arrivals() -> tuple[str, int]:
        arrivals.clear()
        return "", 204

    @app.post("/clear")
    def clear() -> BaseResponse:
        """The page's button for it: a form cannot send DELETE."""
        arrivals.clear()
        return redirect(url_for("index"), 303)

    _register_secrets(app, secrets)


def _register_secrets(app: Flask, secrets: KnownSecrets) -> None:
    def page(typed: str = "", error: str = "") -> str:
        return render_template("secrets.html", secrets=len(secrets.all()), typed=typed, error=error)

    @app.get("/secrets")
    def show_secrets() -> str:
        """The form for one more signing secret, on a page that does not refresh under one's fingers."""
        return page()

    @app.post("/secrets")
    def add_secret() -> BaseResponse | tuple[str, int]:
        typed = request.form.get("secret", "")
        try:
            secrets.add(typed)
        except NotASecret as error:
            return page(typed, str(error)), 422
        return redirect(url_for("index"), 303)
