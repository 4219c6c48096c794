"""What a job may be asked to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import orjson

from ..errors import FieldError
from .kinds import JobKinds

HIGHEST_PRIORITY = 100
DEFAULT_PRIORITY = 50
MOST_ATTEMPTS = 10
DEFAULT_ATTEMPTS = 3


LARGEST_DOCUMENT = 64 * 1024  # bytes; as for metadata: a page may hold 200 of them


class _Settings(Protocol):
    @property
    def job_kinds(self) -> JobKinds: ...
    @property
    def job_lease_seconds(self) -> int: ...
    @property
    def job_worker_failures(self) -> int: ...


@dataclass(frozen=True, slots=True)
class JobTerms:
    """What the installation is set to.

    Attributes:
        lease: how long a worker may be silent.
        worker_failures: a worker that failed a job so often is not given it again.
    """

    kinds: JobKinds
    lease: timedelta
    worker_failures: int

    @classmethod
    def of(cls, settings: _Settings) -> JobTerms:
        """The installation's."""
        lease = timedelta(seconds=settings.job_lease_seconds)
        return cls(settings.job_kinds, lease, settings.job_worker_failures)


def check_document(name: str, value: Any) -> list[FieldError]:
    """The mistake of `params` or a `result` that is too large."""
    if value is None or len(orjson.dumps(value)) <= LARGEST_DOCUMENT:
        return []
    message = f"Keep the `{name}` to {LARGEST_DOCUMENT:,} bytes of JSON: larger things are files."
    return [FieldError(f"/{name}", "length", message)]


def _within(name: str, least: int, most: int) -> Callable[[Any], FieldError | None]:
    def check(value: Any) -> FieldError | None:
        if least <= value <= most:
            return None
        return FieldError(f"/{name}", "range", f"Give a `{name}` from {least} to {most}.")

    return check


_CHECKS = {
    "priority": _within("priority", 0, HIGHEST_PRIORITY),
    "max_attempts": _within("max_attempts", 1, MOST_ATTEMPTS),
}


def check_numbers(given: Mapping[str, Any]) -> list[FieldError]:
    """The mistakes in a job's numbers, so far as they are given."""
    found = [check(given[name]) for name, check in _CHECKS.items() if name in given]
    return [mistake for mistake in found if mistake is not None]
