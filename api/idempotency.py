"""`Idempotency-Key`: the same call again gets the same answer, and has its effect once (design section 3)."""

from __future__ import annotations

import hashlib

from sqlalchemy import RowMapping
from sqlalchemy.exc import DBAPIError

from domain.db import Row, waited_too_long_for_lock
from domain.idempotency.commands import RecordKey, claim_record, keep_answer

from .call import Call
from .problems import Problem
from .response import Response

LONGEST_KEY = 255
_KEPT_HEADERS = ("Location", "ETag", "Content-Type")


def presented(call: Call) -> RecordKey | None:
    """What the call's `Idempotency-Key` is scoped to; None without one that may be used."""
    text = (call.header("Idempotency-Key") or "").strip()
    return RecordKey(call.actor.id, call.method, call.path, text) if _is_usable(text) else None


def check_presented(call: Call) -> None:
    """Refuse a malformed `Idempotency-Key`.

    Raises:
        Problem: 400, it is empty, too long or not printable ASCII.
    """
    text = call.header("Idempotency-Key")
    if text is not None and not _is_usable(text.strip()):
        raise Problem("bad-request", f"`Idempotency-Key` must be 1 to {LONGEST_KEY} printable ASCII characters.")


def _is_usable(text: str) -> bool:
    return 1 <= len(text) <= LONGEST_KEY and text.isascii() and text.isprintable()


def claim(call: Call, key: RecordKey) -> RowMapping | None:
    """Claim the key for this call (None), or the record of the call that came first.

    Raises:
        Problem: 409, its first call has not finished.
    """
    try:
        record = claim_record(call.session, key, _digest(call), call.at)
    except DBAPIError as error:
        if not waited_too_long_for_lock(error):
            raise
        raise _still_running() from None
    if record is None:
        call.idempotency = "first"
    elif record["status_code"] is None:
        raise _still_running()
    return record


def replay(call: Call, record: Row) -> Response:
    """The first answer again.

    Raises:
        Problem: 422, the key was used for another body.
    """
    if bytes(record["body_digest"]) != _digest(call):
        raise Problem("idempotency-mismatch", "Use a new `Idempotency-Key` for a request with another body or query.")
    call.idempotency = "replayed"
    headers = {**record["headers"], "Idempotency-Replayed": "true"}
    return Response(bytes(record["body"]), record["status_code"], headers)


def _digest(call: Call) -> bytes:
    body = call.raw_body
    if call.upload is not None and call.upload.kept is not None:
        body = call.upload.kept.sha256.encode()
    return hashlib.sha256(call.environ.get("QUERY_STRING", "").encode("latin-1") + b"\0" + body).digest()


def _still_running() -> Problem:
    return Problem("idempotency-in-progress", "Try again in a second.", headers={"Retry-After": "1"})


def keep(call: Call, key: RecordKey, response: Response, body: bytes) -> None:
    """Store the answer, with `body` in place of its own, in the transaction of the write."""
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    keep_answer(call.session, key, response.status, headers, body)
