"""The headers of answers, each a component of the document."""

from __future__ import annotations

from typing import Any

_ID = "req_01jd3q8v9w7x5y2m4n6p8r0s1t"
_COUNT = {"type": "integer", "format": "int32", "minimum": 0, "maximum": 2**31 - 1}
_TIME = {"type": "integer", "format": "int64", "minimum": 0, "maximum": 2**53}


def _header(description: str, schema: dict[str, Any], example: Any, *, always: bool = True) -> dict[str, Any]:
    return {"description": description, "required": always, "schema": schema, "example": example}


def _text(longest: int, pattern: str) -> dict[str, Any]:
    return {"type": "string", "maxLength": longest, "pattern": pattern}


_BUCKET = "(read|write|address)"
HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": _header(
        "The id of this call in the audit trail: yours if you sent one that can be kept, else ours.",
        _text(128, "^[A-Za-z0-9._:-]+$"), _ID,
    ),
    "X-RateLimit-Limit": _header("Calls a minute that the bucket holds.", _COUNT, 600),
    "X-RateLimit-Remaining": _header("Calls left in it.", _COUNT, 599),
    "X-RateLimit-Reset": _header("Unix time, in seconds, at which it is full again.", _TIME, 1767225600),
    "RateLimit-Policy": _header(
        "The bucket, its size and its window in seconds (draft-ietf-httpapi-ratelimit-headers-11).",
        _text(60, f'^"{_BUCKET}";q=[0-9]+;w=60$'), '"read";q=600;w=60',
    ),
    "RateLimit": _header(
        "The bucket, what is left of it and the seconds until it is full.",
        _text(60, f'^"{_BUCKET}";r=[0-9]+;t=[0-9]+$'), '"read";r=599;t=1',
    ),
    "ETag": _header(
        "The version of this object, for `If-None-Match` and `If-Match`.",
        _text(60, '^"[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}-[0-9]+(-[0-9a-f]+)?"$'), '"chr_01jd3q8v9w7x5y2m4n6p8r0s1t-3"',
    ),
    "Location": _header(
        "The address of what was made.", _text(200, "^/api/v1/[a-z0-9_/-]+$"),
        "/api/v1/characters/chr_01jd3q8v9w7x5y2m4n6p8r0s1t",
    ),
    "Link": _header(
        "The next page (RFC 8288); absent on the last.", _text(70_000, '^<[^>]+>; rel="next"$'),
        '</api/v1/characters?limit=50&cursor=WyIyMDI2Il0>; rel="next"', always=False,
    ),
    "Retry-After": _header("Seconds to wait; waiting that long is enough.", _COUNT, 1),
    "Idempotency-Replayed": _header(
        "`true` when this is the stored answer to an earlier call with the same `Idempotency-Key`.",
        {"type": "string", "enum": ["true"]}, "true", always=False,
    ),
    "Deprecation": _header(
        "Since when the secret of this call's key is being replaced (RFC 9745); absent for a key's present secret.",
        _text(20, "^@[0-9]+$"), "@1767225600", always=False,
    ),
    "Sunset": _header(
        "When the secret of this call's key stops working, because a rotation replaced it (RFC 8594).",
        _text(40, "^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT$"), "Fri, 02 Jan 2026 00:00:00 GMT",
        always=False,
    ),
    "Content-Disposition": _header(
        "A name for the file (RFC 6266).", _text(160, '^attachment; filename="[A-Za-z0-9._-]+"$'),
        'attachment; filename="callsheet-audit-20260101T000000Z.ndjson"',
    ),
    "Accept-Ranges": _header("Ranges of it can be asked for.", {"type": "string", "const": "bytes"}, "bytes"),
    "Content-Range": _header(
        "Which bytes these are, and of how many.", _text(80, "^bytes ([0-9]+-[0-9]+|\\*)/[0-9]+$"), "bytes 0-99/183204"
    ),
    "WWW-Authenticate": _header(
        "How to present a key.", {"type": "string", "const": 'Bearer realm="callsheet"'}, 'Bearer realm="callsheet"'
    ),
}  # fmt: skip
ON_EVERY_ANSWER = (
    *("X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
    *("RateLimit-Policy", "RateLimit", "Deprecation", "Sunset"),
)


def headers(*names: str) -> dict[str, Any]:
    """Those that every answer carries, and these."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*ON_EVERY_ANSWER, *names)}
