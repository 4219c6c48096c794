"""Failures of schemathesis that are none, each as narrow as it can be said, with its reason."""

from __future__ import annotations

from typing import Any


def is_by_design(failure: Any, case: Any, response: Any) -> bool:
    """Whether what the check complains of is what the API means to do."""
    return any(excuse(type(failure).__name__, case, response) for excuse in EXCUSES)


def _problem(response: Any) -> dict[str, Any]:
    found: dict[str, Any] = response.json() if "problem+json" in str(response.headers.get("content-type")) else {}
    return found


def _key_used_before(failure: str, case: Any, response: Any) -> bool:
    """What an `Idempotency-Key` was used for is history, which no schema tells: another body is refused."""
    return failure == "RejectedPositiveData" and _problem(response).get("type") == "/problems/idempotency-mismatch"


def _named_twice(failure: str, case: Any, response: Any) -> bool:
    """`sort=name,-name`: that each name comes once is more than a regular expression can say; the description does."""
    refused = _problem(response).get("type") == "/problems/bad-query" and "twice" in _problem(response)["detail"]
    return failure == "RejectedPositiveData" and refused and "sort=" in response.request.url


def _invented_cursor(failure: str, case: Any, response: Any) -> bool:
    """A cursor is opaque and signed for its sort: only what a list answered is one."""
    return failure == "RejectedPositiveData" and _problem(response).get("parameter") == "cursor"


EXCUSES = (_invented_cursor, _key_used_before, _named_twice)
