"""The closed tree of errors that commands and queries raise. Each door maps it to its own answers, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class DomainError(Exception):
    """What went wrong, in one sentence that a caller may be shown."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field's mistake.

    Attributes:
        field: JSON pointer of the value, such as `/name` or `/event_types/0` (RFC 6901).
        code: a stable word for programs, such as `required`, `unknown`, `taken`.
        message: a sentence for people that says what would be right.
    """

    field: str
    code: str
    message: str


class NotFound(DomainError):
    """The object does not exist, or the actor may not know that it does."""


class Forbidden(DomainError):
    """The actor sees the object but may not do this."""


class Conflict(DomainError):
    """The state of the object does not allow this.

    Args:
        message: the sentence.
        allowed: what the state would allow instead, where that is a question of states.
    """

    def __init__(self, message: str, allowed: Sequence[str] | None = None) -> None:
        super().__init__(message)
        self.allowed = allowed


class Stale(DomainError):
    """The object has changed since the caller read it."""


class Gone(DomainError):
    """What a cursor leads to is not kept any more.

    Args:
        message: the sentence.
        oldest: the oldest cursor that still works.
    """

    def __init__(self, message: str, oldest: str) -> None:
        super().__init__(message)
        self.oldest = oldest


class Invalid(DomainError):
    """Input that breaks a rule. `errors` names every field at fault."""

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors

    @classmethod
    def field(cls, name: str, code: str, message: str) -> Invalid:
        """One field's mistake; `name` is a plain name or a pointer."""
        return cls(FieldError(name if name.startswith("/") else f"/{name}", code, message))


class BadQuery(DomainError):
    """A query parameter that is unknown or out of range. The message names what is allowed."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter
