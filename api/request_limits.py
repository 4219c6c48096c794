"""How large a request may be. Each limit lies below granian's own, whose answers are no problem documents.

The table in docs/api.md lists them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.errors import BadQuery
from domain.listing import MOST_PARAMETERS

from .problems import Problem

MOST_HEADERS = 64  # granian answers from 100 on
LARGEST_HEADERS = 16 * 1024  # names and values; granian's own limit is some 400 KiB
LONGEST_ADDRESS = 16 * 1024  # path and query; granian's own limit is four times this
LARGEST_BODY = 1024 * 1024
MOST_DRAINED = 4 * 1024 * 1024
CHUNK = 64 * 1024
_HEADER = "HTTP_"
_NAMED_PLAINLY = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH"})  # PEP 3333


def check_head(path: str, environ: Mapping[str, Any], query: Sequence[tuple[str, str]]) -> None:
    """Refuse what stands before the body if it is too much.

    Raises:
        Problem: 414, 431.
        BadQuery: too many query parameters.
    """
    if len(path) + len(environ.get("QUERY_STRING", "")) > LONGEST_ADDRESS:
        raise Problem("uri-too-long", f"Keep path and query to {LONGEST_ADDRESS:,} bytes.")
    headers = [name for name in environ if name.startswith(_HEADER) or name in _NAMED_PLAINLY]
    if len(headers) > MOST_HEADERS:
        raise Problem("headers-too-large", f"Send at most {MOST_HEADERS} headers.")
    if sum(len(name.removeprefix(_HEADER)) + len(environ[name] or "") for name in headers) > LARGEST_HEADERS:
        raise Problem("headers-too-large", f"Keep all headers together to {LARGEST_HEADERS:,} bytes.")
    if len(query) > MOST_PARAMETERS:
        raise BadQuery(query[MOST_PARAMETERS][0][:60], f"Keep to {MOST_PARAMETERS} query parameters.")


class BodyTooLarge(Problem):
    """A body that was not kept.

    Attributes:
        received: bytes of it that came in.
    """

    def __init__(self, received: int) -> None:
        super().__init__("body-too-large", f"Keep the body to {LARGEST_BODY:,} bytes.")
        self.received = received


def read_body(environ: Mapping[str, Any]) -> bytes:
    """The whole body, counted here; what is too large is drained (up to 4 MiB) so that the caller can read the answer.

    Raises:
        Problem: 413; 400 when the caller sent less than it declared.
    """
    declared, chunked = declared_length(environ)
    if declared is None and not chunked:
        return b""
    left = MOST_DRAINED if chunked else min(declared or 0, MOST_DRAINED)
    stream, parts, size = environ["wsgi.input"], [], 0
    while left > 0:
        part = stream.read(min(CHUNK, left))
        if not part:
            break
        left, size = left - len(part), size + len(part)
        if size <= LARGEST_BODY:
            parts.append(part)
    if size > LARGEST_BODY or (declared or 0) > LARGEST_BODY:
        raise BodyTooLarge(size)
    if not chunked and size < (declared or 0):
        raise Problem("bad-request", "The body ended before its `Content-Length`.")
    return b"".join(parts)


def declared_length(environ: Mapping[str, Any]) -> tuple[int | None, bool]:
    """The `Content-Length`, None without one; and whether the body comes in chunks, which is what counts then.

    Raises:
        Problem: 400, it is no number.
    """
    declared = environ.get("CONTENT_LENGTH") or ""
    counted = declared.isascii() and declared.isdigit() and len(declared) < 20
    if declared and not counted:
        raise Problem("bad-request", "`Content-Length` must be a whole number.")
    return int(declared) if counted else None, "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
