"""Which bytes of an artifact answer a request: all, the range asked for, or none (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..db import Row

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Serving:
    """What a door answers with; how a refusal reads is the door's own.

    Attributes:
        status: 200 for all of it, 206 for a range, 304 for nothing new, 416 for a range behind its end.
        start: from where.
        stop: before where.
        headers: that say what it is: of the validators, and of the range.
    """

    status: int
    start: int
    stop: int
    headers: dict[str, str]


def serving_of(artifact: Row, header: Callable[[str], str | None]) -> Serving:
    """What to send of an artifact, whose digest is its `ETag`.

    Args:
        header: gives a header of the request by its name.
    """
    etag, size = f'"{artifact["sha256"]}"', artifact["size"]
    headers = {"ETag": etag, "Accept-Ranges": "bytes"}
    known = header("If-None-Match") or ""
    if etag in known or known.strip() == "*":
        return Serving(304, 0, 0, headers)
    current = (header("If-Range") or etag) == etag
    wanted = _range(header("Range") or "", size) if current else None
    if wanted is None:
        return Serving(200, 0, size, {**headers, "Content-Length": str(size)})
    start, stop = wanted
    if start >= stop:
        return Serving(416, 0, 0, {"Content-Range": f"bytes */{size}"})
    told = {"Content-Length": str(stop - start), "Content-Range": f"bytes {start}-{stop - 1}/{size}"}
    return Serving(206, start, stop, {**headers, **told})


def _range(asked: str, size: int) -> tuple[int, int] | None:
    """From where to before where, which is nothing behind the end; None where it is not one range of bytes."""
    found = _RANGE.fullmatch(asked.strip())
    if size == 0 or found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":  # the last so many
        return max(0, size - int(found[2])), size
    if found[2] and int(found[2]) < int(found[1]):
        return None
    return int(found[1]), min(size, int(found[2]) + 1) if found[2] else size
