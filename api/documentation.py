"""What the OpenAPI document says of an operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields

from domain.access import BY_ROLE, BY_SCOPE, Permission
from domain.list_spec import ListSpec
from domain.listing import LARGEST_LIMIT

from .list_parameters import LONGEST_CURSOR, export_parameters, list_parameters, shape_parameters
from .reference.headers import headers
from .reference.parameters import path_parameters
from .reference.problems import problem_name
from .response import Response
from .schemas import LONGEST_WAIT, MOST_ITEMS, AnswerSchema, integer_field
from .waiting import Waits

if TYPE_CHECKING:
    from .operation import Operation

_ALWAYS = (400, 401, 403, 413, 414, 429, 431, 500, 503)
_KEYLESS = (400, 413, 414, 415, 422, 429, 431, 500, 503)
COUNT = {"format": "int32", "minimum": 0, "maximum": 2**31 - 1}
UNCHANGED = {"description": "You have this version.", "headers": headers("ETag")}
LARGEST_STREAM = 2**40  # bytes; there is no limit but time
_SAYS = {200: "It worked.", 201: "It was made.", 202: "It was accepted; the answer tells where to look.", 204: "Done."}


WAIT = {
    "in": "query",
    "name": "wait",
    "schema": {"type": "number", "minimum": 0, "maximum": LONGEST_WAIT, "default": 0},
    "description": "Seconds to wait for something to happen when there is nothing to answer yet.",
    "example": 0,
}


class PageSchema(AnswerSchema):
    """Where the next page begins."""

    next = fields.String(
        required=True, allow_none=True,
        metadata={"description": "The `cursor` of the next page; null at the end.", "maxLength": LONGEST_CURSOR,
                  "pattern": "^[A-Za-z0-9_-]+$"},
    )  # fmt: skip
    limit = integer_field(50, "Most objects on this page.", least=1, most=LARGEST_LIMIT)
    total = fields.Integer(
        metadata={"description": "How many objects there are on all pages; with `total=true`.", **COUNT, "example": 120}
    )


@cache  # one class for each: two of one name would be two schemas in the document
def _envelope(schema: type[Schema], is_list: bool, is_results: bool) -> type[Schema]:
    if getattr(schema, "whole", False):  # it is the body as it stands
        return schema
    name = schema.__name__.removesuffix("Schema")
    if is_results:
        rows = fields.List(fields.Nested(schema), required=True, metadata={"maxItems": MOST_ITEMS})
        return AnswerSchema.from_dict({"data": rows}, name=f"{name}s")
    if is_list:
        rows = fields.List(fields.Nested(schema), required=True, metadata={"maxItems": LARGEST_LIMIT})
        return AnswerSchema.from_dict(
            {"data": rows, "page": fields.Nested(PageSchema, required=True)}, name=f"{name}List"
        )
    return AnswerSchema.from_dict({"data": fields.Nested(schema, required=True)}, name=f"{name}Answer")


def has_etag(returns: type[Schema], is_list: bool) -> bool:
    """Whether its answer is one version of an object that may change."""
    return not is_list and bool(getattr(returns, "versioned", "version" in returns().fields))


def documentation(
    operation: Operation,
    returns: type[Schema],
    statuses: Sequence[int | None],
    body: type[Schema] | None,
    listing: ListSpec | None,
    shape: ListSpec | None,
    *,
    results: bool = False,
) -> dict[str, Any]:
    """The operation as smorest's `doc` takes it."""
    is_list = listing is not None
    writes, tagged = operation.method != "GET", has_etag(returns, is_list or results)
    envelope = _envelope(returns, is_list or (results and not writes), results and writes)
    conditional = [] if not tagged else conditions_of(operation, returns)
    recorded = writes and operation.recorded
    named = ["X-Request-Id", *(["Idempotency-Key"] if recorded else []), *conditional]
    shown: dict[str, Any] = {
        "operationId": operation.id,
        "x-permission": operation.permission.value,
        "description": _description(operation),
        "parameters": [
            *path_parameters(operation.rule),
            *([] if listing is None else list_parameters(listing)),
            *([] if shape is None else shape_parameters(shape)),
            *([WAIT] if operation.waits is Waits.QUERY else []),
            *named,
        ],
        "responses": {
            **{
                str(status): _success(envelope, status, is_list, tagged, recorded)
                for status in statuses
                if status is not None
            },
            **({"304": UNCHANGED} if tagged and not writes else {}),
            **{str(code): problem_name(code) for code in _refusals(operation, conditional, listing)},
        },
    }
    if body is not None:
        needed = any(field.required for field in body().fields.values())  # an absent body is an empty object
        shown["requestBody"] = {"required": needed, "content": {"application/json": {"schema": body}}}
    return shown


def keyless_documentation(
    id_: str, view: Callable[..., Response], body: type[Schema], returns: type[Schema], status: int
) -> dict[str, Any]:
    """A write that needs no key, as smorest's `doc` takes it."""
    success = _success(_envelope(returns, False, False), status, False, False, False)
    return {
        "operationId": id_,
        "security": [],
        "description": " ".join((view.__doc__ or "").split()),
        "parameters": ["X-Request-Id"],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {str(status): success, **{str(code): problem_name(code) for code in _KEYLESS}},
    }


def streaming(shown: dict[str, Any], listing: ListSpec, formats: Mapping[str, str]) -> dict[str, Any]:
    """What differs of a list that is streamed whole: its parameters, and its success."""
    text = {"schema": {"type": "string", "maxLength": LARGEST_STREAM, "pattern": ".*"}}
    success = {
        "description": _SAYS[200],
        "headers": headers(*([] if listing.once else ["Content-Disposition"])),
        "content": dict.fromkeys(formats.values(), text),
    }
    if listing.once:
        own: list[Any] = [*list_parameters(listing), "Last-Event-ID", "X-Request-Id"]
    else:
        own = [*export_parameters(listing, tuple(formats)), "X-Request-Id"]
    return {"parameters": own, "responses": {**shown["responses"], "200": success}}


def conditions_of(operation: Operation, returns: type[Schema]) -> list[str]:
    """The conditional headers that an operation on one object heeds (RFC 9110, section 13)."""
    if not has_etag(returns, is_list=False):
        return []
    if operation.method == "PUT" and "/by-external/" in operation.rule:  # the one that may also create
        return ["If-Match", "If-None-Match"]
    heeds = {"GET": "If-None-Match", "PUT": "If-Match", "PATCH": "If-Match", "DELETE": "If-Match"}
    return [heeds[operation.method]] if operation.method in heeds else []


def _success(schema: type[Schema], status: int, is_list: bool, tagged: bool, writes: bool) -> dict[str, Any]:
    if status == 204:
        return {"description": _SAYS[status], "headers": headers()}
    also = {"Link": is_list, "ETag": tagged, "Location": status == 201, "Idempotency-Replayed": writes}
    return {
        "description": _SAYS[status],
        "headers": headers(*(name for name, carried in also.items() if carried)),
        "content": {"application/json": {"schema": schema}},
    }


def _refusals(operation: Operation, conditional: Sequence[str], listing: ListSpec | None) -> list[int]:
    codes = list(_ALWAYS)
    codes += [404] if "<" in operation.rule else []
    codes += (
        [409, 422] if operation.method != "GET" and operation.recorded else [422] if operation.body else []
    )  # an Idempotency-Key in use, or used otherwise
    codes += [409] if operation.method == "GET" and "/by-external/" in operation.rule else []  # several have the id
    codes += [410] if listing is not None and listing.once else []
    codes += [412] if operation.method != "GET" and conditional else []
    codes += [415] if operation.body is not None else []
    return sorted(codes)


def _description(operation: Operation) -> str:
    text = " ".join((operation.view.__doc__ or "").split())
    costs = f" {operation.cost.told}" if operation.cost.told else ""
    return f"{text}\n\n{_who(operation.permission)}{costs}"


def _who(permission: Permission) -> str:
    roles = ", ".join(f"`{role}`" for role, granted in BY_ROLE.items() if permission in granted)
    scopes = ", ".join(f"`{scope}`" for scope, granted in BY_SCOPE.items() if permission in granted)
    return f"For keys of role {roles} with scope {scopes}."
