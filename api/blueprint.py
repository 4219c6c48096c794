"""The API's Blueprint: an operation is authorised, limited, audited and documented because it is registered.

An operation names its permission and, where its path names an object, the kind of it. The blueprint then opens the
transaction, loads the object as the caller may see it (404), checks the permission (403), reads the body (400, 422),
calls the view, writes the audit row and the idempotency answer, and commits, in this order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any, NoReturn

from flask import Response, request
from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields
from webargs.core import missing
from webargs.flaskparser import FlaskParser

from domain.access import Permission
from domain.audit.commands import write_entry
from domain.entities import Kind, load
from domain.errors import FieldError, Invalid
from domain.filters import OPERATORS
from domain.listing import LARGEST_LIMIT, ListSpec

from . import idempotency
from .answers import Answer
from .call import Call, current_call
from .json_body import BadJson, load_strict
from .problems import CONTENT_TYPE, Problem
from .schemas import AnswerSchema

View = Callable[..., Answer]
LARGEST_ENTITY = 256 * 1024


class StrictParser(FlaskParser):
    """Reads bodies as JSON, strictly; a field's mistake becomes an `Invalid` with its pointer."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "json": RAISE, "query": EXCLUDE}

    def load_json(self, req: Any, schema: Schema) -> Any:  # noqa: ARG002 - webargs' signature
        call = current_call()
        if not call.raw_body:
            return missing
        if req.mimetype and not req.is_json:
            raise Problem("unsupported-media-type", "Send `Content-Type: application/json`.")
        try:
            value = load_strict(call.raw_body)
        except BadJson as error:
            raise Problem("malformed-json", str(error)) from None
        if not isinstance(value, dict):
            raise Invalid(FieldError("", "type", "The body must be a JSON object."))
        return value

    def handle_error(self, error: ValidationError, *_args: Any, **_kwargs: Any) -> NoReturn:
        messages = error.messages.get("json", error.messages) if isinstance(error.messages, dict) else error.messages
        raise Invalid(*field_errors(messages))


def field_errors(messages: Any, pointer: str = "") -> list[FieldError]:
    """marshmallow's nested messages as a flat list of pointers and sentences."""
    if isinstance(messages, Mapping):
        found = []
        for name, inner in messages.items():
            step = "" if name == "_schema" else "/" + str(name).replace("~", "~0").replace("/", "~1")
            found += field_errors(inner, pointer + step)
        return found
    texts = messages if isinstance(messages, list) else [messages]
    return [FieldError(pointer, _code(str(text)), str(text)) for text in texts]


def _code(message: str) -> str:
    words = {
        "Missing data": "required",
        "Unknown field": "unknown_field",
        "Not a valid": "type",
        "Must be one of": "unknown",
    }
    return next((code for start, code in words.items() if message.startswith(start)), "invalid")


@dataclass(frozen=True, slots=True)
class Operation:
    """What the blueprint checks before it calls the view."""

    permission: Permission
    loads: Kind | None
    prepare: Callable[[Call], Any] | None


class Blueprint(SmorestBlueprint):  # type: ignore[misc]
    """See the module."""

    ARGUMENTS_PARSER = StrictParser()

    def operation(
        self,
        method: str,
        rule: str,
        *,
        permission: Permission,
        returns: type[Schema],
        id: str,  # noqa: A002 - OpenAPI's operationId
        status: int = 200,
        loads: Kind | None = None,
        body: type[Schema] | None = None,
        listing: ListSpec | None = None,
        prepare: Callable[[Call], Any] | None = None,
    ) -> Callable[[View], Callable[..., Response]]:
        """Register an operation.

        Args:
            permission: what it needs.
            returns: the schema of `data`, or of its items when there is a `listing`; documentation only, answers are
                rendered by the domain.
            id: the operationId.
            loads: the kind of the object that `<id>` in the rule names; `call.target` holds its row.
            body: the schema of the request's body.
            listing: the grammar of its query, for a list.
            prepare: work that must not hold a transaction, such as resolving a name; done before it begins, for callers
                with the permission. `call.prepared` holds what it gives.
        """

        def decorator(view: View) -> Callable[..., Response]:
            inner = view if body is None else self.arguments(body)(view)
            guarded = _guard(Operation(permission, loads, prepare), inner)
            documented = self.response(status, _envelope(returns, listing is not None), headers=_headers(status))(
                guarded
            )
            needs = {"x-permission": permission.value}
            documented = self.doc(operationId=id, **needs, **_documentation(rule, body, listing))(documented)
            self.route(rule, methods=[method], endpoint=id)(documented)
            return documented  # type: ignore[no-any-return]

        return decorator


def _guard(operation: Operation, view: View) -> Callable[..., Response]:
    @wraps(view)
    def run(**path: str) -> Response:
        call = current_call()
        if not call.writes:
            with call.services.database.reading() as session:
                call._session = session
                return _unless_known(_run(call, operation, view, path).response())
        if len(call.raw_body) > LARGEST_ENTITY:
            raise Problem("body-too-large", f"Keep the body of one object to {LARGEST_ENTITY:,} bytes.")
        key = idempotency.record_key(call)
        if operation.prepare is not None and call.actor.may(operation.permission):
            call.prepared = operation.prepare(call)
        with call.services.database.transaction() as session:
            call._session = session
            response = idempotency.replay(call, key) if key else None
            if response is None:
                answer = _run(call, operation, view, path)
                response = answer.response()
                if key:
                    idempotency.keep(call, key, response, answer.kept())
            write_entry(session, call.audit_entry(response))
        call.audited = True
        return response

    return run


def _run(call: Call, operation: Operation, view: View, path: dict[str, str]) -> Answer:
    if operation.loads is not None:
        call._target = load(call.session, call.actor, operation.loads, path.pop("id"), for_update=call.writes)
    call.actor.require(operation.permission)
    return view(call, **path)


def _unless_known(response: Response) -> Response:
    """The response, or 304 when the caller has this version."""
    etag = response.headers.get("ETag")
    if etag and request.if_none_match.contains_weak(etag.strip('"')):
        return Response(status=304, headers={"ETag": etag})
    return response


class PageSchema(AnswerSchema):
    """Where the next page begins."""

    next = fields.String(allow_none=True, metadata={"description": "The `cursor` of the next page; null at the end."})
    limit = fields.Integer(metadata={"description": "Most objects on this page."})


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


def _documentation(rule: str, body: type[Schema] | None, listing: ListSpec | None) -> dict[str, Any]:
    codes = [400, 401, 403, 429, 500, 503]
    codes += [404] if "<" in rule else []
    codes += [409, 413, 415, 422] if body is not None else []
    parameters = [] if listing is None else _list_parameters(listing)
    if body is not None:
        parameters.append(IDEMPOTENCY_PARAMETER)
    return {"responses": {str(code): "Problem" for code in sorted(codes)}, "parameters": parameters}


def _list_parameters(listing: ListSpec) -> list[dict[str, Any]]:
    names = ", ".join(f"`{name}`" for name in listing.fields)
    sorts = ", ".join(f"`{name}`" for name in listing.sortable)
    operators = ", ".join(f"`{name}`" for name in OPERATORS if name != "eq")
    limit = {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": 50}
    paging: list[dict[str, Any]] = [
        {"in": "query", "name": "limit", "schema": limit, "description": "Most objects on a page."},
        {"in": "query", "name": "cursor", "schema": {"type": "string"}, "description": "`page.next` of the last page."},
        {"in": "query", "name": "sort", "schema": {"type": "string", "default": listing.default_sort},
         "description": f"Comma-separated, `-` for descending: {sorts}."},
    ]  # fmt: skip
    filters = [
        {"in": "query", "name": name, "schema": {"type": "string"},
         "description": f"Only objects with this `{name}`; also `{name}[op]=` with {operators}."}
        for name in listing.fields
    ]  # fmt: skip
    return [*paging, *filters] if names else paging


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
