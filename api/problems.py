"""The one error format: `application/problem+json` (RFC 9457) for every status the API can answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from domain.errors import BadQuery, Conflict, FieldError, Forbidden, Gone, Invalid, NotFound, Stale

from .response import Response

CONTENT_TYPE = "application/problem+json"
MOST_ERRORS = 100  # a small body can hold a great many mistakes

# Slug: status and title. The slug ends the `type` URI, `/problems/<slug>`, where a page explains it.
PROBLEMS: dict[str, tuple[int, str]] = {
    "bad-request": (400, "The request cannot be read"),
    "malformed-json": (400, "The body is not acceptable JSON"),
    "bad-query": (400, "A query parameter is unknown or out of range"),
    "query-malformed": (400, "The GraphQL document cannot be read"),
    "query-invalid": (400, "The GraphQL document or its variables do not fit the schema"),
    "query-too-long": (400, "The GraphQL document is too long"),
    "query-too-deep": (400, "The GraphQL operation is nested too deeply"),
    "query-too-complex": (400, "The GraphQL operation asks for too much"),
    "too-many-aliases": (400, "The GraphQL document has too many aliases"),
    "key-missing": (401, "No API key was presented"),
    "key-malformed": (401, "The API key is malformed"),
    "key-unknown": (401, "The API key is unknown"),
    "key-revoked": (401, "The API key was revoked"),
    "key-expired": (401, "The API key has expired"),
    "key-suspended": (401, "The API key is suspended"),
    "address-not-allowed": (403, "The key may not be used from this address"),
    "forbidden": (403, "The key's role or scope does not allow this"),
    "not-found": (404, "There is nothing here"),
    "method-not-allowed": (405, "The method is not allowed here"),
    "conflict": (409, "The object's state does not allow this"),
    "idempotency-in-progress": (409, "A call with this Idempotency-Key is still running"),
    "cursor-too-old": (410, "What follows the cursor is not kept any more"),
    "precondition-failed": (412, "The object has changed"),
    "body-too-large": (413, "The body is too large"),
    "uri-too-long": (414, "The address is too long"),
    "unsupported-media-type": (415, "The type of the body is not one that is read here"),
    "range-not-satisfiable": (416, "The range lies behind the end of the file"),
    "headers-too-large": (431, "The headers are too many or too large"),
    "invalid": (422, "Fields of the body break a rule"),
    "batch-failed": (422, "An operation of the atomic batch failed"),
    "failed-dependency": (424, "An operation that this one depends on failed"),
    "idempotency-mismatch": (422, "This Idempotency-Key was used for another request"),
    "quota-exceeded": (429, "Too many calls"),
    "too-many-streams": (429, "The key keeps too many streams open"),
    "internal-error": (500, "Something failed on our side"),
    "busy": (503, "The service is busy"),
    "store-unavailable": (503, "The store of artifacts does not answer"),
    "audit-unavailable": (503, "The call could not be written to the audit trail"),
}
_BY_STATUS = {400: "bad-request", 404: "not-found", 405: "method-not-allowed", 413: "body-too-large",
              414: "uri-too-long", 415: "unsupported-media-type", 431: "headers-too-large"}  # fmt: skip

# What is told in the error's own sentence, and no more.
_SLUGS: dict[type[Exception], str] = {NotFound: "not-found", Forbidden: "forbidden", Stale: "precondition-failed"}


@dataclass
class Problem(Exception):
    """A refusal, ready to be answered."""

    slug: str
    detail: str
    errors: Sequence[FieldError] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        return PROBLEMS[self.slug][0]


def problem_of(error: Exception) -> Problem:
    """What a caller is told of any exception; nothing internal leaks."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Invalid):
        subject = f"{len(error.errors)} fields break" if len(error.errors) > 1 else "One field breaks"
        return Problem("invalid", f"{subject} a rule; nothing was stored.", errors=error.errors)
    if isinstance(error, Conflict):
        return Problem("conflict", str(error), extra={} if error.allowed is None else {"allowed": list(error.allowed)})
    if isinstance(error, Gone):
        return Problem("cursor-too-old", str(error), extra={"oldest": error.oldest})
    if isinstance(error, BadQuery):
        return Problem("bad-query", str(error), extra={"parameter": error.parameter})
    if type(error) in _SLUGS:
        return Problem(_SLUGS[type(error)], str(error))
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    if lost or isinstance(error, PoolTimeout | OperationalError):
        return Problem("busy", "The database did not answer in time; try again.", headers={"Retry-After": "1"})
    if isinstance(error, HTTPException):
        return _of_http(error)
    return Problem("internal-error", "The failure was logged under this request id; nothing was stored.")


def _of_http(error: HTTPException) -> Problem:
    slug = _BY_STATUS.get(error.code or 500, "internal-error" if (error.code or 500) >= 500 else "bad-request")
    headers = {}
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    if slug == "not-found":
        return Problem(slug, "This API has no such path.")
    if slug == "method-not-allowed":
        return Problem(slug, f"Here are allowed: {headers.get('Allow', '')}.", headers=headers)
    return Problem(slug, PROBLEMS[slug][1] + ".", headers=headers)


def problem_response(problem: Problem, instance: str, request_id: str) -> Response:
    """The document and its headers. `instance`: the path that was called."""
    body = orjson.dumps(problem_document(problem, instance, request_id), default=str)
    headers = {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store", **problem.headers}
    return Response(body, problem.status, headers)


def problem_document(problem: Problem, instance: str, request_id: str) -> dict[str, Any]:
    """The members of RFC 9457, and ours."""
    status, title = PROBLEMS[problem.slug]
    document: dict[str, Any] = {
        "type": f"/problems/{problem.slug}",
        "title": title,
        "status": status,
        "detail": problem.detail,
        "instance": instance,
        "request_id": request_id,
        **problem.extra,
    }
    if problem.errors:
        told = problem.errors[:MOST_ERRORS]
        document["errors"] = [{"field": e.field, "code": e.code, "message": e.message} for e in told]
    return document
