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

from .problem_kinds import PROBLEMS
from .response import Response

CONTENT_TYPE = "application/problem+json"
PAGES = "/problems/"
MOST_ERRORS = 100  # a small body can hold a great many mistakes

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
        return PROBLEMS[self.slug].status


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
    return Problem(slug, PROBLEMS[slug].title + ".", headers=headers)


def problem_response(problem: Problem, instance: str, request_id: str) -> Response:
    """The document and its headers. `instance`: the path that was called."""
    body = orjson.dumps(problem_document(problem, instance, request_id), default=str)
    headers = {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store", **problem.headers}
    return Response(body, problem.status, headers)


def slug_of(document: Mapping[str, Any]) -> str:
    """The slug of the problem that a document tells of."""
    return str(document["type"]).removeprefix(PAGES)


def problem_document(problem: Problem, instance: str, request_id: str) -> dict[str, Any]:
    """The members of RFC 9457, and ours."""
    kind = PROBLEMS[problem.slug]
    document: dict[str, Any] = {
        "type": f"{PAGES}{problem.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        "instance": instance,
        "request_id": request_id,
        **problem.extra,
    }
    if problem.errors:
        told = problem.errors[:MOST_ERRORS]
        document["errors"] = [{"field": e.field, "code": e.code, "message": e.message} for e in told]
    return document
