"""Failures of schemathesis that are none, each as narrow as it can be said, with its reason.

An excuse never covers a server error, an undocumented status or header, or an answer that is no JSON.
"""

from __future__ import annotations

import re
from typing import Any

REJECTED, ACCEPTED = "RejectedPositiveData", "AcceptedNegativeData"
# An expiry that is past, a range that is none, projects that do not go with the scope, check digits that do not fit.
_KEY_FAULTS = re.compile(
    r"/expires_at (past|type)|/allowed_cidrs/\d+ invalid|/project_ids (required|unexpected)|/key malformed"
)
# A range that ends before it begins, or begins in the future; what the other kind of authentication has; a path.
_WEBHOOK_FAULTS = re.compile(
    r"/(since|until) range|/auth/(token|username|password) (required|unexpected)"
    r"|/filter/.+ (path|length|type|range|unknown)"
)
# A kind that there is not, or is no farm's; parameters that its schema refuses; jobs that there are not, or are over.
_JOB_FAULTS = re.compile(
    r"/(kind|kinds/\d+) (unknown|built_in)|/params.* \w+|/target/id unknown|/depends_on/\d+ (unknown|state|cycle)"
    r"|/cost/currency required"
)
_IDS = re.compile(r"/(project_id|scene_id|project_ids/\d+)")


def is_by_design(failure: Any, case: Any, response: Any) -> bool:
    """Whether what the check complains of is what the API means to do."""
    excuses = EXCUSES.get(type(failure).__name__, ())
    return any(excuse(str(failure.message), case, response) for excuse in excuses)


def _problem(response: Any) -> dict[str, Any]:
    found: dict[str, Any] = response.json() if "problem+json" in str(response.headers.get("content-type")) else {}
    return found


def _errors(response: Any) -> list[dict[str, str]]:
    return _problem(response).get("errors", []) if response.status_code == 422 else []


def _is_put_by_external(case: Any) -> bool:
    return case.method.upper() == "PUT" and "/by-external/" in case.path


def _history(_message: str, _case: Any, response: Any) -> bool:
    """Which version an object is at, how long a file is, and what an `Idempotency-Key` was used for, is history, which
    no schema tells."""
    return response.status_code in (412, 416) or _problem(response).get("type") == "/problems/idempotency-mismatch"


def _known_only_here(_message: str, case: Any, response: Any) -> bool:
    """A code or external id that is taken; an id of nothing; a name or parent that PUT by external id needs only where
    it creates; frames that end before they begin; metadata that its project does not take; a rule that does not go with
    the type of its metadata field; a take of another asset; of an API key, a webhook and a job, what no pattern
    tells."""

    def excused(error: dict[str, str]) -> bool:
        field, code = error["field"], error["code"]
        return (
            code == "taken"
            or (code == "required" and _is_put_by_external(case))
            or (code == "unknown" and _IDS.fullmatch(field) is not None)
            or (field, code) in (("/frame_out", "range"), ("/take_id", "unknown"))
            or field.startswith("/metadata")
            or (field, code) == ("/cursor", "invalid")
            or "/metadata-fields" in case.path
            or ("/webhooks" in case.path and _WEBHOOK_FAULTS.fullmatch(f"{field} {code}") is not None)
            or ("/jobs" in case.path and _JOB_FAULTS.fullmatch(f"{field} {code}") is not None)
            or ("-keys" in case.path and _KEY_FAULTS.fullmatch(f"{field} {code}") is not None)
        )

    errors = _errors(response)
    return bool(errors) and all(map(excused, errors))


def _put_not_judged(message: str, case: Any, response: Any) -> bool:
    """PUT by external id reads the parent's id only where it creates. With `If-Match` it creates nothing: then there is
    no project whose rules its parent's id and metadata could break, and 412 says so."""
    if not _is_put_by_external(case):
        return False
    if response.status_code == 412:
        return str(_problem(response)["detail"]).startswith("There is no ")
    return response.status_code == 200 and "project_id" in message


def _free_json(_message: str, case: Any, response: Any) -> bool:
    """Metadata, and what jobs take and give, is any JSON that can be kept exactly: no NUL, 64 bits, 32 levels."""
    is_free = (
        "metadata" in f"{case.path} {case.body}" or "/jobs" in case.path or case.path.endswith(("/batch", "/graphql"))
    )
    return is_free and _problem(response).get("type") == "/problems/malformed-json"


def _batch(_message: str, case: Any, response: Any) -> bool:
    """What the operations of a batch may say is told by the operations that they name."""
    return bool(case.path.endswith("/batch")) and response.status_code == 422


def _graphql(_message: str, case: Any, response: Any) -> bool:
    """A text is not yet GraphQL, and variables may not be those that it declares."""
    found = str(_problem(response).get("type")).startswith(("/problems/query-", "/problems/too-many-aliases"))
    return found and bool(case.path.endswith("/graphql"))


def _query(_message: str, _case: Any, response: Any) -> bool:
    """What no regular expression of a parameter says: that a name comes once (`sort=name,-name`); that a cursor is one
    that a list answered; what value the operator of a further filter takes, which the description of `filters` lists;
    which metadata is defined."""
    problem = _problem(response)
    if problem.get("type") != "/problems/bad-query":
        return False
    name, detail = problem["parameter"], problem["detail"]
    named_badly = name in ("sort", "fields", "expand") and ("twice" in detail or "metadata" in detail)
    named_badly = named_badly or name in ("cursor", "after", "cursor_name")
    return named_badly or "[" in name or name.startswith(("metadata.", "external_ids."))


def _sparse(message: str, _case: Any, response: Any) -> bool:
    """`fields` leaves members out that every whole object has."""
    return "is a required property" in message and "fields=" in response.request.url


def _limited_by_address(message: str, _case: Any, _response: Any) -> bool:
    """Calls without a key are limited by their address, 120 a minute: 429 lets nobody in either."""
    return "got `429 " in message


def _archived(message: str, _case: Any, _response: Any) -> bool:
    """DELETE of an entity archives it: it can still be read (docs/decisions/0014)."""
    return re.search(r"`DELETE /api/v1/(projects|characters|scenes|segments)/[a-z]{3}_\w{26}`", message) is not None


def _broken_nowhere(message: str, _case: Any, _response: Any) -> bool:
    """A call that was to break the document and, as the message itself says, breaks it in none of its parts."""
    return "Invalid component: positive test case" in message


EXCUSES = {
    "UseAfterFree": (_archived,),
    "IgnoredAuth": (_limited_by_address,),
    REJECTED: (_history, _known_only_here, _free_json, _batch, _graphql, _query),
    ACCEPTED: (_put_not_judged, _broken_nowhere),
    "JsonSchemaError": (_sparse,),
}
