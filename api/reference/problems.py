"""The refusals, one response component for each status, with an example of every problem that it may carry."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from ..problem_kinds import PROBLEMS
from ..problems import CONTENT_TYPE
from .headers import headers

_PATH = "/api/v1/characters/chr_01jd3q8v9w7x5y2m4n6p8r0s1t"
_REQUEST_ID = "req_01jd3q8v9w7x5y2m4n6p8r0s1t"
# What a caller is told, and where; the rest of the document follows from the problem.
_DETAILS: dict[str, str] = {
    "bad-request": "`Idempotency-Key` must be 1 to 255 printable ASCII characters.",
    "malformed-json": "The body is not JSON: Expecting ',' delimiter at line 3, column 5.",
    "bad-query": "`limit` must be a whole number from 1 to 200.",
    "query-malformed": "The document cannot be parsed.",
    "query-invalid": "The document does not fit the schema.",
    "query-too-long": "Keep the document to 2,000 tokens.",
    "query-too-deep": "Keep to 10 objects within each other; edges and nodes do not count.",
    "query-too-complex": "This query may load 40,200 rows; 10,000 are allowed. Give smaller values of `first`.",
    "too-many-aliases": "Keep to 30 aliases; this document has 31.",
    "key-missing": "Send an API key as `Authorization: Bearer <key>` or `X-API-Key: <key>`.",
    "key-malformed": "Write the header as `Authorization: Bearer <key>`.",
    "key-unknown": "This key does not exist.",
    "key-revoked": "This key was revoked.",
    "key-expired": "This key has expired.",
    "key-suspended": "This key is suspended.",
    "address-not-allowed": "This key may not be used from 192.0.2.10.",
    "forbidden": "Role viewer with scope read_only does not grant “write”.",
    "not-found": "There is no character 'chr_01jd3q8v9w7x5y2m4n6p8r0s1t' that this caller can see.",
    "conflict": "This character is `draft`: it must be submitted for review first (PATCH `status` to `in_review`).",
    "idempotency-in-progress": "Try again in a second.",
    "cursor-too-old": "Events after this cursor are not kept any more: read on from `oldest`.",
    "precondition-failed": "The object has changed since you read it; GET it again.",
    "body-too-large": "Keep the body of this call to 262,144 bytes.",
    "uri-too-long": "Keep path and query to 16,384 bytes.",
    "unsupported-media-type": "Send `Content-Type: application/json`.",
    "range-not-satisfiable": "The file has 183,204 bytes.",
    "headers-too-large": "Keep all headers together to 16,384 bytes.",
    "invalid": "One field breaks a rule; nothing was stored.",
    "batch-failed": "Operation 1 (POST /scenes) failed; nothing was stored.",
    "failed-dependency": "Another operation of this atomic batch failed.",
    "idempotency-mismatch": "Use a new `Idempotency-Key` for a request with another body or query.",
    "quota-exceeded": "The read limit is 600 a minute; this call is accepted in 1 s.",
    "too-many-streams": "This key keeps 10 streams open here already: end one of them.",
    "internal-error": "The failure was logged under this request id; nothing was stored.",
    "busy": "The database did not answer in time; try again.",
    "store-unavailable": (
        "Files cannot be kept or read at the moment; what is wrong was logged under this request id."
    ),
    "audit-unavailable": "Nothing was answered because it could not be audited; try again.",
}
_EXTRA: dict[str, dict[str, Any]] = {
    "bad-query": {"parameter": "limit"},
    "conflict": {"allowed": ["in_review"]},
    "invalid": {"errors": [{"field": "/name", "code": "required", "message": "This field is required."}]},
    "batch-failed": {"data": []},
    "quota-exceeded": {"violated-policies": ["read"]},
    "cursor-too-old": {"oldest": "WyI4YjU0ZDFjMCIsNDJd"},
}
_HEADERS = {401: ("WWW-Authenticate",), 416: ("Content-Range",), 429: ("Retry-After",), 503: ("Retry-After",)}
_SAYS = {
    400: "The request cannot be read: a header, the JSON, a query parameter, or a GraphQL document.",
    401: "No key, or none that is in force.",
    403: "The key may not do this, or not from this address.",
    404: "There is no such object, or this key may not know of it.",
    409: "The state of the object, or a call still running with this `Idempotency-Key`, does not allow it.",
    410: "Events behind this cursor are not kept any more; `oldest` is one that works.",
    412: "The object is no longer the version that `If-Match` names.",
    413: "The body is too large.",
    414: "Path and query are too long.",
    415: "The body is not declared as JSON or, of a file, as a type that is taken.",
    416: "The range lies behind the end of the file.",
    422: "Fields of the body break a rule; each is named.",
    429: "The key has used up its calls; wait for `Retry-After` seconds.",
    431: "The headers are too many, or too large together.",
    500: "Something failed on our side; it was logged under the request id.",
    503: "The service is busy; try again.",
}


def problem_name(status: int) -> str:
    """The component for this status, such as `NotFound`."""
    return HTTPStatus(status).phrase.title().replace(" ", "").replace("-", "")


def problem_responses() -> dict[str, dict[str, Any]]:
    """Every response component, by name."""
    return {problem_name(status): _response(status) for status in _SAYS}


def _response(status: int) -> dict[str, Any]:
    examples = {
        slug: {"summary": kind.title, "description": kind.advice, "value": problem_example(slug)}
        for slug, kind in PROBLEMS.items()
        if kind.status == status
    }
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
    return {
        "description": _SAYS[status],
        "headers": headers(*_HEADERS.get(status, ())),
        "content": {CONTENT_TYPE: content},
    }


def problem_example(slug: str) -> dict[str, Any]:
    """A document of this problem."""
    kind = PROBLEMS[slug]
    return {
        "type": f"/problems/{slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": _DETAILS[slug],
        "instance": _PATH,
        "request_id": _REQUEST_ID,
        **_EXTRA.get(slug, {}),
    }
