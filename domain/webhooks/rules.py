"""What a webhook may be: its terms and their bounds. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..db import Session
from ..errors import FieldError
from ..events.catalogue import check_patterns
from ..events.schemas import PAYLOAD_VERSIONS
from ..projects.queries import check_projects
from .filters import read_filter
from .headers import check_auth, check_headers
from .signing import SIGNATURES

ORDERINGS = ("none", "entity")
LONGEST_DESCRIPTION = 2000
LONGEST_TIMEOUT = 20  # seconds
HIGHEST_CONCURRENCY, HIGHEST_RATE = 500, 100_000
GRACE, LONGEST_GRACE = 24 * 3600, 7 * 24 * 3600  # seconds
MOST_IN_FORCE = 10  # secrets and keys that sign at one time
_WORDS = {"payload_version": PAYLOAD_VERSIONS, "signature": SIGNATURES, "ordering": ORDERINGS}
_RANGES = {
    "timeout_seconds": (LONGEST_TIMEOUT, "seconds"),
    "max_concurrency": (HIGHEST_CONCURRENCY, "requests at one time, or null for as many as it answers well"),
    "rate_per_minute": (HIGHEST_RATE, "requests a minute, or null for no limit"),
}


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """What an admin asks for. `project_ids` None means every project; `auth` as the API takes it."""

    url: str
    event_types: Sequence[str]
    description: str = ""
    project_ids: Sequence[str] | None = None
    payload_version: str = "v1"
    signature: str = "v1"
    enabled: bool = True
    filter: Mapping[str, Any] | None = None
    ordering: str = "none"
    timeout_seconds: int = LONGEST_TIMEOUT
    max_concurrency: int | None = None
    rate_per_minute: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: Mapping[str, str] | None = field(default=None, repr=False)


# Those that are columns of the table under the same name.
PLAIN = (
    *("url", "description", "payload_version", "signature", "enabled", "filter", "ordering", "timeout_seconds"),
    *("max_concurrency", "rate_per_minute"),
)


def check_terms(session: Session, wanted: NewWebhook) -> list[FieldError]:
    """Every mistake in what is asked for, but those of its URL."""
    errors = check_patterns(list(wanted.event_types))
    if len(wanted.description) > LONGEST_DESCRIPTION or "\0" in wanted.description:
        message = f"Keep the description to {LONGEST_DESCRIPTION:,} characters, none of them NUL."
        errors.append(FieldError("/description", "length", message))
    for name, words in _WORDS.items():
        if getattr(wanted, name) not in words:
            errors.append(FieldError(f"/{name}", "unknown", f"`{name}` must be one of {', '.join(words)}."))
    for name, (most, unit) in _RANGES.items():
        value = getattr(wanted, name)
        if not 1 <= (1 if value is None else value) <= most:
            errors.append(FieldError(f"/{name}", "range", f"`{name}` must be from 1 to {most:,} {unit}."))
    if wanted.project_ids is not None and not wanted.project_ids:
        errors.append(FieldError("/project_ids", "required", "List at least one project, or leave it out for all."))
    errors += check_projects(session, wanted.project_ids or ()) + read_filter(wanted.filter)[1]
    return errors + check_headers(wanted.headers) + check_auth(wanted.auth)
