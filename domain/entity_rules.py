"""What the fields of projects, characters, scenes and segments may hold. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from .entities import ASSET_STATUSES, Kind
from .errors import FieldError
from .filters import LARGEST_INTEGER

PROJECT_STATUSES = ("active", "archived")
LONGEST_NAME = 200
LONGEST_CODE = 100
LONGEST_DESCRIPTION = 20_000
LONGEST_EXTERNAL_ID = 200
MOST_EXTERNAL_IDS = 20
CODE_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._\-]*"
SYSTEM_PATTERN = r"[a-z][a-z0-9_\-]{0,39}"
_CODE = re.compile(CODE_PATTERN)
_SYSTEM = re.compile(SYSTEM_PATTERN)

Errors = list[FieldError]


def check_fields(kind: Kind, given: Mapping[str, Any]) -> Errors:
    """The mistakes in these fields, each by itself; what is in metadata has its own rules."""
    errors: Errors = []
    for name, value in given.items():
        if name == "status":
            errors += _check_status(kind, value)
        elif name in _CHECKS:
            errors += _CHECKS[name](f"/{name}", value)
    return errors


def check_frames(entity: Mapping[str, Any]) -> Errors:
    """Whether a segment's range of frames begins before it ends."""
    first, last = entity.get("frame_in"), entity.get("frame_out")
    if first is None or last is None or first <= last:
        return []
    return [FieldError("/frame_out", "range", f"`frame_out` must not be before `frame_in`, which is {first}.")]


def check_external_id(pointer: str, system: str, external_id: Any) -> Errors:
    """The mistakes in one external id. None stands for its removal."""
    if not _SYSTEM.fullmatch(system):
        return [FieldError(pointer, "name", "Name the system in a–z, 0–9, `-` and `_`, such as `shotgrid`.")]
    if external_id is None:
        return []
    return _check_text(pointer, external_id, 1, LONGEST_EXTERNAL_ID)


def code_from_name(kind: Kind, name: str) -> str:
    """A code for an entity that was given none: the name in ASCII, lower case, joined by hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[: LONGEST_CODE - 8].strip("-") or kind.object


def _check_status(kind: Kind, value: Any) -> Errors:
    known = PROJECT_STATUSES if kind.object == "project" else ASSET_STATUSES
    if value in known:
        return []
    return [FieldError("/status", "unknown", f"The status must be one of {', '.join(known)}.")]


def _check_text(pointer: str, value: Any, shortest: int, longest: int) -> Errors:
    if not isinstance(value, str) or "\0" in value:
        return [FieldError(pointer, "type", "Give a text without NUL characters.")]
    if not shortest <= len(value) <= longest or (shortest and not value.strip()):
        return [FieldError(pointer, "length", f"Give {shortest} to {longest:,} characters, not only spaces.")]
    return []


def _check_code(pointer: str, value: Any) -> Errors:
    if isinstance(value, str) and len(value) <= LONGEST_CODE and _CODE.fullmatch(value):
        return []
    message = f"Give 1 to {LONGEST_CODE} of A–Z, a–z, 0–9, `.`, `_` and `-`, a letter or digit first."
    return [FieldError(pointer, "pattern", message)]


def _check_integer(pointer: str, value: Any) -> Errors:
    if type(value) is int and abs(value) <= LARGEST_INTEGER:
        return []
    return [FieldError(pointer, "range", f"Give a whole number from {-LARGEST_INTEGER} to {LARGEST_INTEGER}.")]


def _check_frame(pointer: str, value: Any) -> Errors:
    return [] if value is None else _check_integer(pointer, value)


def _check_boolean(pointer: str, value: Any) -> Errors:
    return [] if isinstance(value, bool) else [FieldError(pointer, "type", "Give true or false.")]


def _check_object(pointer: str, value: Any) -> Errors:
    return [] if isinstance(value, dict) else [FieldError(pointer, "type", "Give an object.")]


def _check_external_ids(pointer: str, value: Any) -> Errors:
    if not isinstance(value, dict) or len(value) > MOST_EXTERNAL_IDS:
        return [FieldError(pointer, "length", f"Give an object of at most {MOST_EXTERNAL_IDS} systems and ids.")]
    return [
        error
        for system, external_id in value.items()
        for error in check_external_id(f"{pointer}/{escaped(system)}", system, external_id)
    ]


def without_none(given: Mapping[str, Any]) -> dict[str, Any]:
    """The members that are not to be removed."""
    return {name: value for name, value in given.items() if value is not None}


def escaped(name: str) -> str:
    """A name as a step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


_CHECKS: dict[str, Callable[[str, Any], Errors]] = {
    "name": lambda pointer, value: _check_text(pointer, value, 1, LONGEST_NAME),
    "code": _check_code,
    "description": lambda pointer, value: _check_text(pointer, value, 0, LONGEST_DESCRIPTION),
    "position": _check_integer,
    "frame_in": _check_frame,
    "frame_out": _check_frame,
    "external_ids": _check_external_ids,
    "metadata": _check_object,
    "strict_metadata": _check_boolean,
}
