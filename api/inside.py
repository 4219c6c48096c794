"""An operation performed inside of another call, such as one of a batch: as the same call alone would perform it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
from werkzeug.exceptions import HTTPException

from domain.errors import DomainError

from .answers import Answer
from .bodies import read_fields
from .call import Call
from .operation import LARGEST_ENTITY, Operation
from .problems import Problem

# What may refuse one operation and leave the others standing; anything else ends the call.
REFUSALS = (DomainError, Problem, HTTPException)


def perform_inside(
    call: Call, operation: Operation, path: dict[str, str], body: Any, headers: Mapping[str, str]
) -> Answer:
    """The operation's answer; what it did is undone alone when it is refused.

    Args:
        call: the call around it, with its transaction.
        path: what the operation's path names.
        headers: those that it would have, such as `If-Match`.

    Raises:
        DomainError: the operation is refused.
        Problem: likewise.
        HTTPException: likewise.
    """
    environ = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
    inner = replace(call, environ=environ, method=operation.method, query=(), prepared=None)
    with call.session.savepoint():
        operation.admit(inner, path)
        if operation.body is None:
            return operation.view(inner, **path)
        return operation.view(inner, read_inside(inner, operation, body), **path)


def read_inside(call: Call, operation: Operation, body: Any) -> dict[str, Any]:
    """The body as the operation's schema reads it.

    Raises:
        Problem: 413, it is larger than that of one object may be.
        Invalid: not an object, or fields that break a rule.
    """
    assert operation.body is not None
    if len(call.raw_body) > LARGEST_ENTITY and len(orjson.dumps(body)) > LARGEST_ENTITY:
        raise Problem("body-too-large", f"Keep the body of one object to {LARGEST_ENTITY:,} bytes.")
    return read_fields(operation.body, {} if body is None else body)
