"""Answering with a file: whole, or the range that was asked for (RFC 9110, section 14)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial

from domain.artifacts.serving import serving_of
from domain.artifacts.store import StoreUnavailable
from domain.db import Row

from .answers import Answer
from .call import Call
from .problems import Problem

log = logging.getLogger("callsheet.api")

# Whatever it is, no browser may take it for a page of ours.
_AS_FILE = {"Content-Security-Policy": "sandbox; default-src 'none'", "Cross-Origin-Resource-Policy": "same-origin"}


class FileLost(Problem):
    """Its row was there, its bytes were not: lost, or replaced since the row was read."""


def file_answer(call: Call, artifact: Row) -> Answer:
    """The bytes of an artifact, under its digest as `ETag`; opened, and read on, where a slow store keeps nobody else.

    Raises:
        Problem: 416, a range behind its end.
    """
    serving = serving_of(artifact, call.header)
    if serving.status == 416:
        raise Problem("range-not-satisfiable", f"The file has {artifact['size']:,} bytes.", headers=serving.headers)
    headers = {**serving.headers, "Content-Disposition": f'attachment; filename="{artifact["name"]}"', **_AS_FILE}
    if serving.status == 304:
        return Answer({}, 304, headers, stream=iter(()))
    opens = None
    if call.method != "HEAD" and artifact["size"]:
        opens = partial(_opened, call, artifact, serving.start, serving.stop)
    return Answer({}, serving.status, headers, stream=iter(()), opens=opens, content_type=artifact["media_type"])


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
