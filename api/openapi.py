"""The generated OpenAPI 3.1 document, its interactive page, and the page that explains problem types."""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson
from flask import Flask, Response, abort, render_template
from flask_smorest import Api
from marshmallow import fields

from .documentation import PROBLEM_RESPONSE
from .gateway import PREFIX
from .problems import PROBLEMS
from .schemas import AnswerSchema
from .v1 import BLUEPRINTS

VERSION = "1.0"
DESCRIPTION = """The studio's projects, characters, scenes, segments and approvals for pipeline scripts.

Send an API key as `Authorization: Bearer csk_…`. Errors are `application/problem+json` (RFC 9457). Lists page by
`cursor`. A POST with an `Idempotency-Key` may be repeated safely."""
# Swagger UI sets style attributes; nothing else on the page is looser than in the portal.
DOCS_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class FieldErrorSchema(AnswerSchema):
    """One field's mistake."""

    field = fields.String(required=True, metadata={"description": "JSON pointer of the value."})
    code = fields.String(required=True)
    message = fields.String(required=True)


class ProblemSchema(AnswerSchema):
    """Why a call was refused (RFC 9457)."""

    type = fields.String(required=True, metadata={"enum": [f"/problems/{slug}" for slug in PROBLEMS]})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.List(fields.Nested(FieldErrorSchema), metadata={"description": "With 422: every field at fault."})
    parameter = fields.String(metadata={"description": "With `bad-query`: the parameter at fault."})
    allowed = fields.List(fields.String(), metadata={"description": "With `conflict`: what the state does allow."})
    violated_policies = fields.List(
        fields.String(), data_key="violated-policies", metadata={"description": "With 429: the buckets that are empty."}
    )


class StudioApi(Api):  # type: ignore[misc]
    """smorest's document without its error format: ours is in `problems`."""

    def _register_error_handlers(self) -> None:
        pass


def register(app: Flask) -> None:
    """Mount every operation and the pages that describe them."""
    app.config |= {"API_TITLE": "Callsheet", "API_VERSION": VERSION, "OPENAPI_VERSION": "3.1.0"}
    api = StudioApi(app, spec_kwargs={"info": {"description": DESCRIPTION}, "servers": [{"url": "/"}]})
    api.spec.components.schema("Problem", schema=ProblemSchema)
    api.spec.components.response("Problem", PROBLEM_RESPONSE)
    bearer = {"type": "http", "scheme": "bearer", "description": "An API key, `csk_…`."}
    api.spec.components.security_scheme("bearer", bearer)
    api.spec.components.security_scheme("header", {"type": "apiKey", "in": "header", "name": "X-API-Key"})
    api.spec.options["security"] = [{"bearer": []}, {"header": []}]
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint, url_prefix=PREFIX)
    document = orjson.dumps(without_smorest_extras(api.spec.to_dict()), option=orjson.OPT_INDENT_2)
    show_document = partial(Response, document, content_type="application/json")
    for prefix, name in (("", "root"), (PREFIX, "base")):
        app.add_url_rule(f"{prefix}/openapi.json", f"openapi_{name}", show_document)
        app.add_url_rule(f"{prefix}/docs", f"docs_{name}", show_docs)
    app.add_url_rule("/problems/<slug>", "problem", show_problem)


def without_smorest_extras(document: dict[str, Any]) -> dict[str, Any]:
    """The document without the components that smorest always adds and we never use."""
    components = document["components"]
    for kind, used in (("responses", {"Problem"}), ("headers", set()), ("parameters", set())):
        kept = {name: item for name, item in components.get(kind, {}).items() if name in used}
        components.pop(kind, None)
        if kept:
            components[kind] = kept
    components["schemas"].pop("PaginationMetadata", None)
    components["schemas"].pop("Error", None)
    for path in document["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict):
                operation.get("responses", {}).pop("default", None)
    return document


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
