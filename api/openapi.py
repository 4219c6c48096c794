"""The generated OpenAPI document, its interactive page, and the page that explains problem types."""

from __future__ import annotations

from functools import partial

from flask import Flask, Response, abort, render_template

from .admission import PREFIX
from .problems import PROBLEMS
from .reference.document import document_of, make_api
from .routing import CONVERTERS
from .v1 import BLUEPRINTS

# Swagger UI sets style attributes; nothing else on the page is looser than in the portal.
DOCS_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def mount_operations(app: Flask) -> bytes:
    """Mount every operation; the document that describes them."""
    app.url_map.converters.update(CONVERTERS)
    api = make_api(app)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint, url_prefix=PREFIX)
    return document_of(api)


def register(app: Flask) -> None:
    """Mount every operation and the pages that describe them."""
    show_document = partial(Response, mount_operations(app), content_type="application/json")
    for prefix, name in (("", "root"), (PREFIX, "base")):
        app.add_url_rule(f"{prefix}/openapi.json", f"openapi_{name}", show_document)
        app.add_url_rule(f"{prefix}/docs", f"docs_{name}", show_docs)
    app.add_url_rule("/problems/<slug>", "problem", show_problem)


def show_docs() -> Response:
    """The interactive page over `/openapi.json`."""
    response = Response(render_template("docs/swagger.html"))
    response.headers["Content-Security-Policy"] = DOCS_CSP
    return response


def show_problem(slug: str) -> Response:
    """What a problem type means."""
    if slug not in PROBLEMS:
        abort(404)
    status, title = PROBLEMS[slug]
    response = Response(render_template("docs/problem.html", slug=slug, status=status, title=title))
    response.headers["Content-Security-Policy"] = DOCS_CSP
    return response
