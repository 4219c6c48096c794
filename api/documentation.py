"""What the OpenAPI document says of an operation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields

from domain.list_spec import ListSpec

from .list_parameters import list_parameters, shape_parameters
from .problems import CONTENT_TYPE
from .schemas import AnswerSchema

if TYPE_CHECKING:
    from .blueprint import Operation


class PageSchema(AnswerSchema):
    """Where the next page begins."""

    next = fields.String(allow_none=True, metadata={"description": "The `cursor` of the next page; null at the end."})
    limit = fields.Integer(metadata={"description": "Most objects on this page."})
    total = fields.Integer(metadata={"description": "How many objects there are on all pages; with `total=true`."})


@cache  # one class for each: two of one name would be two schemas in the document
def _envelope(schema: type[Schema], is_list: bool) -> type[Schema]:
    name = schema.__name__.removesuffix("Schema")
    if is_list:
        columns = {"data": fields.List(fields.Nested(schema)), "page": fields.Nested(PageSchema)}
        return AnswerSchema.from_dict(columns, name=f"{name}List")
    return AnswerSchema.from_dict({"data": fields.Nested(schema)}, name=f"{name}Answer")


def _headers(status: int) -> dict[str, Any]:
    shown = {
        "X-Request-Id": "The id of this call in the audit trail.",
        "X-RateLimit-Limit": "Calls a minute.",
        "X-RateLimit-Remaining": "Calls left.",
        "X-RateLimit-Reset": "Unix time at which the bucket is full again.",
    }
    if status == 201:
        shown["Location"] = "The address of what was made."
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in shown.items()}


def documentation(
    operation: Operation,
    returns: type[Schema],
    statuses: Sequence[int | None],
    body: type[Schema] | None,
    listing: ListSpec | None,
    shape: ListSpec | None,
) -> dict[str, Any]:
    """The operation as smorest's `doc` takes it."""
    codes = [400, 401, 403, 429, 500, 503]
    codes += [404] if "<" in operation.rule else []
    codes += [409, 413, 415, 422] if body is not None else []
    parameters = [] if listing is None else list_parameters(listing)
    parameters += [] if shape is None else shape_parameters(shape)
    if body is not None:
        parameters.append(IDEMPOTENCY_PARAMETER)
    answers = {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "headers": _headers(status),
            "content": {"application/json": {"schema": _envelope(returns, listing is not None)}},
        }
        for status in statuses
        if status is not None
    }
    shown: dict[str, Any] = {
        "operationId": operation.id,
        "x-permission": operation.permission.value,
        "parameters": parameters,
        "responses": {**answers, **{str(code): "Problem" for code in sorted(codes)}},
    }
    if body is not None:
        shown["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return shown


IDEMPOTENCY_PARAMETER = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "maxLength": 255},
    "description": "Makes a retry safe: the same key and body get the first answer again.",
}
PROBLEM_RESPONSE = {
    "description": "Why the call was refused (RFC 9457).",
    "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
