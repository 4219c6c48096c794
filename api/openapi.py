"""The generated OpenAPI document, its interactive page, and the page that explains problem types."""

from __future__ import annotations

from functools import cache

from flask import Flask, Response, abort, render_template

from .admission import PREFIX
from .problem_kinds import PROBLEMS
from .reference.document import document_of, make_api
from .routing import CONVERTERS
from .v1 import BLUEPRINTS

# Swagger UI sets style attributes; nothing else on the page is looser than in the portal.
DOCS_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# GraphiQL brings its fonts inside of its style sheet.
EXPLORER_CSP = DOCS_CSP.replace("font-src 'self'", "font-src 'self' data:")


@cache
def document() -> bytes:
    """The OpenAPI document. An application of its own collects it, for most processes are never asked for it."""
    app = Flask("callsheet")
    app.url_map.converters.update(CONVERTERS)
    api = make_api(app)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint, url_prefix=PREFIX)
    return document_of(api)


def register(app: Flask) -> None:
    """Mount every operation and the pages that describe them."""
    app.url_map.converters.update(CONVERTERS)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint, url_prefix=PREFIX)
    for prefix, name in (("", "root"), (PREFIX, "base")):
        app.add_url_rule(f"{prefix}/openapi.json", f"openapi_{name}", show_document)
        app.add_url_rule(f"{prefix}/docs", f"docs_{name}", show_docs)
    app.add_url_rule("/graphql-explorer", "graphql_explorer", show_explorer)
    app.add_url_rule("/problems/<slug>", "problem", show_problem)


def show_document() -> Response:
    """`/openapi.json`."""
    return Response(document(), content_type="application/json")


def show_docs() -> Response:
    """The interactive page over `/openapi.json`."""
    return _page("docs/swagger.html")


def show_explorer() -> Response:
    """GraphiQL over the API; it needs a key, which its page asks for."""
    return _page("docs/graphql.html", EXPLORER_CSP)


def _page(template: str, policy: str = DOCS_CSP, **shown: object) -> Response:
    response = Response(render_template(template, **shown))
    response.headers["Content-Security-Policy"] = policy
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def show_problem(slug: str) -> Response:
    """What a problem type means."""
    if slug not in PROBLEMS:
        abort(404)
    kind = PROBLEMS[slug]
    return _page("docs/problem.html", slug=slug, kind=kind)
