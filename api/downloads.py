"""Answering with a file: whole, or the range that was asked for (RFC 9110, section 14)."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import partial

from domain.artifacts.store import StoreUnavailable
from domain.db import Row

from .answers import Answer
from .call import Call
from .problems import Problem

log = logging.getLogger("callsheet.api")

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
# Whatever it is, no browser may take it for a page of ours.
_AS_FILE = {"Content-Security-Policy": "sandbox; default-src 'none'", "Cross-Origin-Resource-Policy": "same-origin"}


class FileLost(Problem):
    """Its row was there, its bytes were not: lost, or replaced since the row was read."""


def file_answer(call: Call, artifact: Row) -> Answer:
    """The bytes of an artifact, under its digest as `ETag`; opened, and read on, where a slow store keeps nobody else.

    Raises:
        Problem: 416, a range behind its end.
    """
    etag, size = f'"{artifact["sha256"]}"', artifact["size"]
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'attachment; filename="{artifact["name"]}"',
        **_AS_FILE,
    }
    known = call.header("If-None-Match") or ""
    if etag in known or known.strip() == "*":
        return Answer({}, 304, headers, stream=iter(()))
    wanted = _range(call, size, etag)
    start, stop = wanted or (0, size)
    headers["Content-Length"] = str(stop - start)
    if wanted is not None:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    opens = None
    if call.method != "HEAD" and size:
        opens = partial(_opened, call, artifact, start, stop)
    status = 200 if wanted is None else 206
    return Answer({}, status, headers, stream=iter(()), opens=opens, content_type=artifact["media_type"])


def _opened(call: Call, artifact: Row, start: int, stop: int) -> Iterator[bytes]:
    """The pieces.

    Raises:
        FileLost: the store does not have them.
        Problem: 503, the store cannot be used.
    """
    try:
        with call.services.gate.outside():
            return call.services.artifacts.read(artifact["blob"], start, stop)
    except FileNotFoundError:
        told = "The file of this artifact is lost: its row is there, its bytes are not."
        raise FileLost("not-found", told) from None
    except StoreUnavailable as error:
        raise unavailable(call, error) from error


def unavailable(call: Call, error: StoreUnavailable) -> Problem:
    """What is wrong names the store's address, which is the operator's to know."""
    log.error("the store of artifacts: %s", error, extra={"request_id": call.request_id})
    detail = "Files cannot be kept or read at the moment; what is wrong was logged under this request id."
    return Problem("store-unavailable", detail, headers={"Retry-After": "5"})


def _range(call: Call, size: int, etag: str) -> tuple[int, int] | None:
    """From where to before where; None for all of it: what is not one range of bytes is not heeded."""
    found = _RANGE.fullmatch((call.header("Range") or "").strip())
    if size == 0 or found is None or found[1] == found[2] == "" or (call.header("If-Range") or etag) != etag:
        return None
    if found[1] == "":  # the last so many
        start, stop = max(0, size - int(found[2])), size
    else:
        start, stop = int(found[1]), min(size, int(found[2]) + 1) if found[2] else size
        if found[2] and int(found[2]) < start:
            return None
    if start >= size or start >= stop:
        raise Problem(
            "range-not-satisfiable", f"The file has {size:,} bytes.", headers={"Content-Range": f"bytes */{size}"}
        )
    return start, stop
