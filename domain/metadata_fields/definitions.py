"""What the definition of a metadata field may say. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import FieldError
from ..filters import LARGEST_INTEGER
from ..metadata.patterns import BadPattern, compiled
from ..metadata.rules import FieldRule, pointer
from ..metadata.types import LONGEST_STRING, TYPES, Unfit

ENTITIES = ("project", "character", "scene", "segment")
KEY_PATTERN = r"[a-z][a-z0-9_]{0,59}"
MOST_OPTIONS = 200
LONGEST_DESCRIPTION = 2000
_KEY = re.compile(KEY_PATTERN)

Errors = list[FieldError]


@dataclass(frozen=True, slots=True)
class Definition:
    """A field as it is defined: whose it is, its rule, and what it is for."""

    entity: str
    rule: FieldRule
    description: str = ""

    @property
    def stored_rules(self) -> dict[str, Any]:
        """The parts of the rule that `metadata_fields.rules` holds: those that say something."""
        names = ("default", "min", "max", "pattern", "options")
        return {name: value for name in names if (value := getattr(self.rule, name)) not in (None, ())}


def read_definition(given: Mapping[str, Any]) -> tuple[Definition, Errors]:
    """The definition that these fields make, in the form in which it is kept, and its mistakes."""
    errors = _check_names(given)
    if errors:
        return Definition("", FieldRule("", "json")), errors
    bounds, errors = _read_bounds(given)
    options, more = _read_options(given)
    errors += more + _check_pattern(given) + _check_description(given)
    rule = FieldRule(
        given["key"],
        given["type"],
        required=given.get("required", False),
        pattern=given.get("pattern"),
        options=options,
        **bounds,
    )
    if not errors and given.get("default") is not None:
        default, errors = _read_default(rule, given["default"])
        rule = FieldRule(rule.key, rule.type, rule.required, default, rule.min, rule.max, rule.pattern, rule.options)
    return Definition(given["entity"], rule, given.get("description", "")), errors


def _check_names(given: Mapping[str, Any]) -> Errors:
    errors = []
    for name, known in (("entity", ENTITIES), ("type", tuple(TYPES))):
        if given.get(name) not in known:
            errors.append(FieldError(f"/{name}", "unknown", f"`{name}` must be one of {', '.join(known)}."))
    if not _KEY.fullmatch(given.get("key") or ""):
        message = "Name the key in 1 to 60 of a–z, 0–9 and `_`, a letter first, such as `lens_mm`."
        errors.append(FieldError("/key", "pattern", message))
    return errors


def _read_bounds(given: Mapping[str, Any]) -> tuple[dict[str, Any], Errors]:
    kind = TYPES[given["type"]]
    bounds: dict[str, Any] = {}
    errors: Errors = []
    for name in ("min", "max"):
        if (value := given.get(name)) is None:
            continue
        if not kind.bounds:
            errors.append(_unexpected(name, given["type"]))
        elif kind.bounds == "value":
            try:
                bounds[name] = kind.read(value)
            except Unfit as error:
                errors.append(FieldError(f"/{name}", error.code, str(error)))
        elif type(value) is int and 0 <= value <= LARGEST_INTEGER:
            bounds[name] = value
        else:
            message = f"`{name}` bounds the length of a {given['type']}: give a whole number."
            errors.append(FieldError(f"/{name}", "type", message))
    if not errors and len(bounds) == 2 and bounds["min"] > bounds["max"]:
        errors.append(FieldError("/max", "range", f"`max` must not be less than `min`, which is {bounds['min']}."))
    return bounds, errors


def _read_options(given: Mapping[str, Any]) -> tuple[tuple[str, ...], Errors]:
    options = given.get("options")
    if not TYPES[given["type"]].has_options:
        return (), [_unexpected("options", given["type"])] if options is not None else []
    if not isinstance(options, list) or not 1 <= len(options) <= MOST_OPTIONS:
        return (), [FieldError("/options", "required", f"List 1 to {MOST_OPTIONS} options.")]
    errors = []
    for index, option in enumerate(options):
        if not isinstance(option, str) or not 1 <= len(option) <= LONGEST_STRING or "\0" in option:
            message = f"An option is a text of 1 to {LONGEST_STRING} characters, none of them NUL."
            errors.append(FieldError(f"/options/{index}", "type", message))
        elif option in options[:index]:
            errors.append(FieldError(f"/options/{index}", "duplicate", f"{option!r} is listed twice."))
    return tuple(options), errors


def _check_pattern(given: Mapping[str, Any]) -> Errors:
    pattern = given.get("pattern")
    if pattern is None:
        return []
    if not TYPES[given["type"]].has_pattern:
        return [_unexpected("pattern", given["type"])]
    try:
        compiled(pattern)
    except BadPattern as error:
        return [FieldError("/pattern", "pattern", str(error))]
    return []


def _check_description(given: Mapping[str, Any]) -> Errors:
    text = given.get("description", "")
    if len(text) <= LONGEST_DESCRIPTION and "\0" not in text:
        return []
    message = f"Keep the description to {LONGEST_DESCRIPTION:,} characters, none of them NUL."
    return [FieldError("/description", "length", message)]


def _read_default(rule: FieldRule, default: Any) -> tuple[Any, Errors]:
    read, errors = rule.check(default)
    here = pointer(rule.key)
    return read, [FieldError("/default" + e.field.removeprefix(here), e.code, e.message) for e in errors]


def _unexpected(name: str, type_word: str) -> FieldError:
    return FieldError(f"/{name}", "unexpected", f"A field of type {type_word} has no `{name}`.")
