"""The OpenAPI 3.1 document: what smorest collects of the operations, completed with what they share."""

from __future__ import annotations

from typing import Any

import orjson
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask
from flask_smorest import Api
from marshmallow import RAISE, Schema, fields

from ..list_parameters import PAGING
from ..problem_kinds import PROBLEMS
from ..schemas import AnswerSchema, text_field, word_field
from .enumerations import enumeration_schemas, name_enumerations
from .examples import example_of
from .headers import HEADERS
from .parameters import HEADER_PARAMETERS
from .problems import problem_responses

VERSION = "1.0"
DESCRIPTION = """The studio's projects, characters, scenes, segments and approvals for pipeline scripts.

**Keys.** Send an API key as `Authorization: Bearer csk_…` (or `X-API-Key: csk_…`). What a key may do is what its role \
and its scope both grant; what is in a project that it does not see is answered as if it did not exist.

**Answers.** One object is `{"data": {…}}`, many are `{"data": […], "page": {"next": …, "limit": …}}`. Objects may \
gain members: ignore those that you do not know.

**Lists** page by `cursor`, filter by `field=value` and `field[operator]=value`, and refuse what \
they do not know with 400.

**GraphQL** over the same objects and writes is at `POST /graphql` below the same base; try it in the \
[explorer](/graphql-explorer).

**Errors** are `application/problem+json` (RFC 9457); a 422 names every field at fault by a JSON pointer.

**Retries.** A call with an `Idempotency-Key` may be repeated safely for 24 hours. After a 429 or 503 wait \
`Retry-After` seconds."""
INFO = {
    "description": DESCRIPTION,
    "contact": {"name": "The studio's pipeline team"},
    "license": {"name": "Proprietary", "identifier": "LicenseRef-Proprietary"},
}
SERVERS = [{"url": "/", "description": "This host, production or local: the one that you read this from.",
            "x-internal": False}]  # fmt: skip
SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key: `Authorization: Bearer csk_…`."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key in another header."},
}


class FieldErrorSchema(AnswerSchema):
    """One field's mistake."""

    field = text_field("/name", "JSON pointer of the value (RFC 6901).")
    code = text_field("required", "A stable word for programs.", longest=60)
    message = text_field("This field is required.", "A sentence that says what would be right.")


class ProblemSchema(AnswerSchema):
    """Why a call was refused (RFC 9457)."""

    type = word_field([f"/problems/{slug}" for slug in PROBLEMS])
    title = text_field("Fields of the body break a rule", longest=100)
    status = fields.Integer(required=True, metadata={"format": "int32", "minimum": 400, "maximum": 599, "example": 422})
    detail = text_field("One field breaks a rule; nothing was stored.")
    instance = text_field("/api/v1/characters", "The path that was called.")
    request_id = text_field("req_01jd3q8v9w7x5y2m4n6p8r0s1t", "The call in the audit trail.", longest=128)
    errors = fields.List(
        fields.Nested(FieldErrorSchema),
        metadata={
            "description": "With 422, and with what GraphQL refuses: every field at fault.",
            "maxItems": 100,
        },
    )
    parameter = fields.String(
        metadata={"description": "With `bad-query`: the parameter at fault.", "maxLength": 16384, "pattern": ".*"}
    )
    allowed = fields.List(
        text_field("approved", longest=60),
        metadata={"description": "With `conflict`: what the state does allow.", "maxItems": 20},
    )
    violated_policies = fields.List(
        word_field(["read", "write", "address"]),
        data_key="violated-policies",
        metadata={"description": "With 429: the buckets that are empty.", "maxItems": 3},
    )


class _Converter(OpenAPIConverter):
    """Says of every object whether it is open: an answer may gain members, a request has none but those named."""

    def schema2jsonschema(self, schema: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]  # apispec's
        instance = schema if isinstance(schema, Schema) else schema()
        found["properties"] = dict(sorted(found.get("properties", {}).items(), key=lambda item: _place(item[0])))
        found["additionalProperties"] = instance.unknown != RAISE
        found |= getattr(instance, "json_schema", {})
        if instance.__doc__ and "description" not in found:
            found["description"] = " ".join(instance.__doc__.split())
        return found


def _place(name: str) -> int:
    """What an object is comes first, its history last, as answers have it; the rest keeps its order."""
    return {"id": -2, "object": -1, "created_at": 1, "updated_at": 2, "version": 3}.get(name, 0)


def _further_words(_converter: OpenAPIConverter, field: fields.Field[Any], **_context: Any) -> dict[str, Any]:
    """Words of JSON Schema that apispec does not pass on from a field's metadata."""
    return {word: field.metadata[word] for word in ("propertyNames", "not") if word in field.metadata}


class _Plugin(MarshmallowPlugin):
    Converter = _Converter


class StudioApi(Api):  # type: ignore[misc]  # smorest has no types
    """smorest's collection of operations without its error format: ours is in `problems`."""

    def _register_error_handlers(self) -> None:
        pass


def make_api(app: Flask) -> StudioApi:
    """The collection, with the components that operations refer to; `document_of` gives the finished document."""
    app.config |= {"API_TITLE": "Callsheet", "API_VERSION": VERSION, "OPENAPI_VERSION": "3.1.0"}
    options = {"info": INFO, "servers": SERVERS, "security": [{name: []} for name in SECURITY]}
    api = StudioApi(app, spec_kwargs={"marshmallow_plugin": _Plugin(), **options})
    api.ma_plugin.converter.add_attribute_function(_further_words)
    app.cli.commands.pop("openapi", None)  # smorest's own commands would write what is not finished yet
    components = api.spec.components
    components.schema("Problem", schema=ProblemSchema)
    for name, schema in enumeration_schemas().items():
        components.schema(name, schema)
    for name, parameter in {**HEADER_PARAMETERS, **PAGING}.items():
        components.parameter(name, parameter["in"], parameter)
    for name, header in HEADERS.items():
        components.header(name, header)
    for name, response in problem_responses().items():
        components.response(name, response)
    for name, scheme in SECURITY.items():
        components.security_scheme(name, scheme)
    return api


def document_of(api: StudioApi) -> bytes:
    """The finished document."""
    collected = name_enumerations(_without_smorest_extras(api.spec.to_dict()))
    components = collected["components"]
    for name, schema in enumeration_schemas().items():
        components["schemas"][name] = schema
    for path in collected["paths"].values():
        for operation in path.values():
            _add_examples(operation, components["schemas"])
    _drop_unused(collected)
    return orjson.dumps(collected, option=orjson.OPT_INDENT_2) + b"\n"


def _add_examples(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    for body in bodies:
        for media_type, content in body.get("content", {}).items():
            if media_type == "application/json" and "$ref" in content["schema"]:
                name = content["schema"]["$ref"].rpartition("/")[2]
                content["examples"] = {
                    name: {"summary": operation["summary"], "value": example_of(content["schema"], schemas)}
                }


def _without_smorest_extras(document: dict[str, Any]) -> dict[str, Any]:
    """The document without the components that smorest always adds and we never use."""
    ours = {"responses": problem_responses(), "headers": HEADERS, "parameters": {**HEADER_PARAMETERS, **PAGING}}
    components = document["components"]
    for kind, known in ours.items():
        components[kind] = {name: item for name, item in components[kind].items() if name in known}
    for name in ("PaginationMetadata", "Error"):
        components["schemas"].pop(name, None)
    for path in document["paths"].values():
        path.pop("parameters", None)  # each operation describes its own
        for operation in path.values():
            operation["responses"].pop("default", None)
    return document


def _drop_unused(document: dict[str, Any]) -> None:
    """Components that nothing refers to yet say nothing."""
    for kind in ("parameters", "headers", "responses", "schemas"):
        text = orjson.dumps(document).decode()
        components = document["components"][kind]
        for name in [name for name in components if f'"#/components/{kind}/{name}"' not in text]:
            del components[name]
