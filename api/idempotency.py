"""`Idempotency-Key`: the same call again gets the same answer, and has its effect once (design section 3)."""

from __future__ import annotations

import hashlib

from flask import Response, request
from sqlalchemy.exc import DBAPIError

from domain.db import waited_too_long_for_lock
from domain.idempotency.commands import RecordKey, claim_record, keep_answer

from .call import Call
from .problems import Problem

LONGEST_KEY = 255
_KEPT_HEADERS = ("Location", "ETag", "Content-Type")


def record_key(call: Call) -> RecordKey | None:
    """What the call's `Idempotency-Key` is scoped to; None when it has none or changes nothing.

    Raises:
        Problem: 400, the key is empty, too long or not printable ASCII.
    """
    given = request.headers.get("Idempotency-Key")
    if given is None or not call.writes:
        return None
    text = given.strip()
    if not 1 <= len(text) <= LONGEST_KEY or not (text.isascii() and text.isprintable()):
        raise Problem("bad-request", f"`Idempotency-Key` must be 1 to {LONGEST_KEY} printable ASCII characters.")
    return RecordKey(call.actor.id, request.method, request.path, text)


def replay(call: Call, key: RecordKey) -> Response | None:
    """Claim the key for this call (None), or the first answer again.

    Raises:
        Problem: 422, the key was used for another body; 409, its first call has not finished.
    """
    digest = hashlib.sha256(request.query_string + b"\0" + call.raw_body).digest()
    try:
        record = claim_record(call.session, key, digest, call.at)
    except DBAPIError as error:
        if not waited_too_long_for_lock(error):
            raise
        raise _still_running() from None
    if record is None:
        call.idempotency = "first"
        return None
    if bytes(record["body_digest"]) != digest:
        raise Problem("idempotency-mismatch", "Use a new `Idempotency-Key` for a request with another body or query.")
    if record["status_code"] is None:
        raise _still_running()
    call.idempotency = "replayed"
    response = Response(record["body"], record["status_code"], record["headers"])
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _still_running() -> Problem:
    return Problem("idempotency-in-progress", "Try again in a second.", headers={"Retry-After": "1"})


def keep(call: Call, key: RecordKey, response: Response, body: bytes) -> None:
    """Store the answer, with `body` in place of its own, in the transaction of the write."""
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    keep_answer(call.session, key, response.status_code, headers, body)
