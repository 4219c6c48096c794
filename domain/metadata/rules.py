"""The rules of metadata: what a field takes, and what becomes of metadata that is given or merged. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from ..entity_rules import escaped
from ..errors import FieldError
from .patterns import compiled
from .types import TYPES, Unfit, read_json

MOST_KEYS = 200
LONGEST_KEY = 120
LARGEST_METADATA = 64 * 1024


@dataclass(frozen=True, slots=True)
class Replacement:
    """In a patch: a value to be taken as it is, where a bare one would be merged into the object that is there."""

    value: Any


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What a field takes.

    Attributes:
        type: see `types.TYPES`.
        default: what an entity gets that is created without a value; None: nothing.
        min, max: bounds, both included, of a number, date or time, or of the length of a text, URL or list.
        pattern: what the whole of a text or URL must match.
        options: all that an `enum`, or an item of an `enum_list`, may be.
    """

    key: str
    type: str
    required: bool = False
    default: Any = None
    min: Any = None
    max: Any = None
    pattern: str | None = None
    options: tuple[str, ...] = ()

    def check(self, value: Any) -> tuple[Any, list[FieldError]]:
        """The value in the form in which it is kept, and its mistakes."""
        try:
            read = TYPES[self.type].read(value)
            self._check_options(read)
            self._check_bounds(read)
            if self.pattern is not None and compiled(self.pattern).fullmatch(read) is None:
                raise Unfit("pattern", f"The whole text must match the pattern `{self.pattern}`.")
        except Unfit as error:
            return value, [FieldError(pointer(self.key) + error.step, error.code, f"`{self.key}`: {error}")]
        return read, []

    def _check_options(self, value: Any) -> None:
        if not self.options:
            return
        for index, item in enumerate(value if isinstance(value, list) else [value]):
            if item not in self.options:
                shown = ", ".join(f"`{option}`" for option in self.options[:40])
                step = f"/{index}" if isinstance(value, list) else ""
                raise Unfit("unknown", f"{item[:60]!r} is no option; the options are {shown}.", step)

    def _check_bounds(self, value: Any) -> None:
        is_length = TYPES[self.type].bounds == "length"
        measured = len(value) if is_length and (self.min, self.max) != (None, None) else value
        unit = "" if not is_length else " items" if isinstance(value, list) else " characters"
        if self.min is not None and measured < self.min:
            raise Unfit("length" if is_length else "min", f"Give at least {self.min}{unit}.")
        if self.max is not None and measured > self.max:
            raise Unfit("length" if is_length else "max", f"Give at most {self.max}{unit}.")


Rules = Mapping[str, FieldRule]
_NONE: Rules = {}


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The fields that projects define for one kind of entity.

    Attributes:
        rules: by project, then by key.
        strict: the projects that take no other keys.
        versions: by project, the `fields_version` that these are the fields of.
    """

    rules: Mapping[str, Rules] = field(default_factory=dict)
    strict: Collection[str] = ()
    versions: Mapping[str, int] = field(default_factory=dict)

    def of(self, project_id: str) -> Rules:
        """The fields of a project, by key."""
        return self.rules.get(project_id, _NONE)

    def complete(self, project_id: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
        """The metadata of an entity that is created with `given`, defaults filled in, and the mistakes.

        None stands for a key that was not given.
        """
        new, errors = self._patched(project_id, {}, given)
        for key, rule in self.of(project_id).items():
            if key not in new and rule.default is not None:
                new[key] = rule.default
        return new, errors + _missing(self.of(project_id), new) + _too_much(new)

    def merged(
        self, project_id: str, now: Mapping[str, Any], patch: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[FieldError]]:
        """The metadata after a JSON merge patch (RFC 7386), and the mistakes: those of the keys that `patch` names,
        and required fields without a value. A required field that has a default gets it.
        """
        new, errors = self._patched(project_id, now, patch)
        if patch:
            rules = self.of(project_id)
            for key, rule in rules.items():
                if rule.required and key not in new and rule.default is not None:
                    new[key] = rule.default
            errors += _missing(rules, new)
        return new, errors + _too_much(new, now)

    def _patched(
        self, project_id: str, now: Mapping[str, Any], patch: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[FieldError]]:
        new, errors, rules = dict(now), [], self.of(project_id)
        for key, given in patch.items():
            if given is None:
                new.pop(key, None)
                continue
            value = given.value if isinstance(given, Replacement) else _merged(now.get(key), given)
            if key in rules:
                new[key], mistakes = rules[key].check(value)
            else:
                new[key], mistakes = value, _check_undefined(key, value, rules, project_id in self.strict)
            errors += mistakes
        return new, errors


def pointer(key: str) -> str:
    """The JSON pointer of a key's value (RFC 6901)."""
    return f"/metadata/{escaped(key)}"


def same_json(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal; unlike in Python, `true` is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    return bool(one == other)


def _merged(now: Any, patch: Any) -> Any:
    """RFC 7386's MergePatch."""
    if not isinstance(patch, dict):
        return patch
    new = dict(now) if isinstance(now, dict) else {}
    for name, value in patch.items():
        if value is None:
            new.pop(name, None)
        else:
            new[name] = _merged(new.get(name), value)
    return new


def _check_undefined(key: str, value: Any, rules: Rules, is_strict: bool) -> list[FieldError]:
    if is_strict:
        defined = ", ".join(f"`{name}`" for name in rules) or "none"
        message = f"No field {key[:60]!r} is defined, and this project takes no others. Defined: {defined}."
        return [FieldError(pointer(key), "unknown", message)]
    if not 1 <= len(key) <= LONGEST_KEY or "\0" in key:
        return [FieldError(pointer(key), "name", f"Name the key in 1 to {LONGEST_KEY} characters, none of them NUL.")]
    try:
        read_json(value)
    except Unfit as error:
        return [FieldError(pointer(key), error.code, str(error))]
    return []


def _missing(rules: Rules, metadata: Mapping[str, Any]) -> list[FieldError]:
    return [
        FieldError(pointer(key), "required", f"`{key}` is required: give a value of type {rule.type}.")
        for key, rule in rules.items()
        if rule.required and key not in metadata
    ]


def _too_much(new: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> list[FieldError]:
    """The mistake of holding too much; what held too much before may only get smaller."""
    if len(new) > max(MOST_KEYS, len(before or ())):
        return [FieldError("/metadata", "length", f"Keep the metadata to {MOST_KEYS} keys.")]
    size = _size(new)
    if size > LARGEST_METADATA and (before is None or size > _size(before)):
        return [FieldError("/metadata", "length", f"Keep the metadata to {LARGEST_METADATA:,} bytes of JSON.")]
    return []


def _size(metadata: Mapping[str, Any]) -> int:
    try:
        return len(orjson.dumps(metadata))
    except (TypeError, ValueError):
        return 0  # what cannot be written is the mistake of its key
