"""Failures of schemathesis that are none, each as narrow as it can be said, with its reason."""

from __future__ import annotations

import re
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


def _precondition(failure: str, case: Any, response: Any) -> bool:
    """Which version an object is at is history."""
    return failure == "RejectedPositiveData" and response.status_code == 412


# What no schema tells: what is there already, what is defined, and how members of one object go together.
_HISTORY = {"taken", "unknown", "duplicate"}
_IDS = re.compile(r"/(project_id|scene_id|project_ids/\d+)")


def _errors(response: Any) -> list[dict[str, str]]:
    return _problem(response).get("errors", []) if response.status_code == 422 else []


def _known_only_here(failure: str, case: Any, response: Any) -> bool:
    """A code or external id that is taken; an id of nothing; frames that end before they begin; metadata that its
    project does not take; a rule that does not go with the type of its metadata field."""

    def excused(error: dict[str, str]) -> bool:
        field, code = error["field"], error["code"]
        return (
            code == "taken"
            or (code == "unknown" and _IDS.fullmatch(field) is not None)
            or (field, code) == ("/frame_out", "range")
            or field.startswith("/metadata/")
            or "/metadata-fields" in case.path
            or ("/metadata" in case.path and field.startswith("/metadata"))
        )

    errors = _errors(response)
    return failure == "RejectedPositiveData" and bool(errors) and all(map(excused, errors))


def _put_creates(failure: str, case: Any, response: Any) -> bool:
    """PUT by external id changes what is there, with any fields, or creates it, which needs a name and a parent."""
    is_put = case.method.upper() == "PUT" and "/by-external/" in case.path
    return (
        failure == "RejectedPositiveData" and is_put and all(error["code"] == "required" for error in _errors(response))
    )


def _free_json(failure: str, case: Any, response: Any) -> bool:
    """Metadata is any JSON that we can keep: texts without NUL, numbers of 64 bits, 32 levels."""
    if failure != "RejectedPositiveData" or _problem(response).get("type") != "/problems/malformed-json":
        return False
    return "metadata" in str(case.path) + str(case.body) or case.path.endswith("/batch")


def _batch(failure: str, case: Any, response: Any) -> bool:
    """What a batch's operations may say is told by the operations that they name."""
    return failure == "RejectedPositiveData" and case.path.endswith("/batch") and response.status_code == 422


def _sparse(failure: str, case: Any, response: Any) -> bool:
    """`fields` leaves members out that every whole object has."""
    return (
        failure == "JsonSchemaError" and "fields=" in response.request.url and "required property" in response.text[:0]
    )


def _invented_cursor(failure: str, case: Any, response: Any) -> bool:
    """A cursor is opaque and signed for its sort: only what a list answered is one."""
    return failure == "RejectedPositiveData" and _problem(response).get("parameter") == "cursor"


EXCUSES = (
    _precondition,
    _known_only_here,
    _put_creates,
    _free_json,
    _batch,
    _sparse,
    _invented_cursor,
    _key_used_before,
    _named_twice,
)
