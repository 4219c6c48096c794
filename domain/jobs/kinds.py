"""The kinds of job that an installation knows, and their parameters held against each kind's JSON Schema."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema_specifications import REGISTRY
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from ..errors import FieldError
from .builtin_kinds import BUILT_IN, PREVIEW

NAME_PATTERN = "[a-z][a-z0-9_-]{0,39}"
MOST_KINDS = 100
MOST_ERRORS = 100
LONGEST_MESSAGE = 300


@dataclass(frozen=True)
class JobKind:
    """A kind of job.

    Attributes:
        params: JSON Schema (2020-12) of its parameters.
        built_in: done by Callsheet itself, and never given to a farm.
    """

    name: str
    description: str
    params: Mapping[str, Any]
    built_in: bool = False

    @cached_property
    def _validator(self) -> Any:
        # With a registry of its own it fetches nothing, whatever a `$ref` names.
        return Draft202012Validator(self.params, registry=REGISTRY)

    def check(self, params: Mapping[str, Any]) -> list[FieldError]:
        """The mistakes in a job's parameters, each with its pointer in the job."""
        found = (each for error in self._validator.iter_errors(params) for each in _field_errors(error))
        return list(islice(found, MOST_ERRORS))

    def represent(self) -> dict[str, Any]:
        """The kind as the API shows it."""
        names = ("name", "description", "built_in", "params")
        return {"object": "job_kind", **{name: getattr(self, name) for name in names}}


def _field_errors(error: ValidationError) -> Iterator[FieldError]:
    """One for each member that is missing or too much; a schema names these beside their object."""
    code = {"type": "type", "required": "required", "additionalProperties": "unknown_field"}
    message = f"{error.message[:LONGEST_MESSAGE]}."
    for name in _members(error) or [""]:
        steps = ["params", *map(str, error.absolute_path), *([name] if name else [])]
        pointer = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
        yield FieldError(pointer, code.get(str(error.validator), "invalid"), message)


def _members(error: ValidationError) -> list[str]:
    if error.validator == "required":
        return [name for name in error.validator_value if error.message.startswith(repr(name))]
    if error.validator == "additionalProperties" and error.validator_value is False:
        return [name for name in error.instance if name not in error.schema.get("properties", {})]
    return []


class JobKinds(Mapping[str, JobKind]):
    """Every kind of an installation, by name; equal to another one that says the same."""

    def __init__(self, kinds: Mapping[str, JobKind]) -> None:
        self._kinds = dict(kinds)

    def __getitem__(self, name: str) -> JobKind:
        return self._kinds[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)

    def unknown(self, field: str, name: str) -> FieldError:
        """What is said of a kind that there is not."""
        return FieldError(field, "unknown", f"There is no kind {name[:40]!r}; there are {', '.join(self)}.")


def parse_kinds(text: str) -> JobKinds:
    """The built-in kinds and those of a TOML document: `[kinds.NAME]`, its `description` and its `params`.

    Raises:
        ValueError: what is wrong with the document.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"it is not TOML: {error}") from None
    own = document.get("kinds", {})
    if set(document) - {"kinds"} or not isinstance(own, dict) or len(own) > MOST_KINDS:
        raise ValueError(f"it holds up to {MOST_KINDS} tables [kinds.NAME] and nothing else")
    for name, given in own.items():
        _check_kind(name, given)
    return JobKinds(
        {
            name: JobKind(name, given.get("description", ""), given["params"], built_in=name == PREVIEW)
            for name, given in {**BUILT_IN, **own}.items()
        }
    )


def _check_kind(name: str, given: Any) -> None:
    if not re.fullmatch(NAME_PATTERN, name) or name == PREVIEW:
        raise ValueError(f"{name!r} cannot be a kind: use a-z, 0-9, `-`, `_`, at most 40, and not {PREVIEW!r}")
    known = isinstance(given, dict) and set(given) <= {"description", "params"}
    if not known or not isinstance(given.get("description", ""), str) or not isinstance(given.get("params"), dict):
        raise ValueError(f"[kinds.{name}] has a `description` and the JSON Schema `params`, and nothing else")
    if given["params"].get("type") != "object":
        raise ValueError(f'[kinds.{name}.params] must be of `type` "object"')
    try:
        Draft202012Validator.check_schema(given["params"])
        resource = DRAFT202012.create_resource(given["params"])
        resolver = REGISTRY.resolver_with_root(resource)
        for reference in _references(given["params"]):
            resolver.lookup(reference)
    except SchemaError as error:
        raise ValueError(f"[kinds.{name}.params] is no JSON Schema: {error.message}") from None
    except Unresolvable as error:
        raise ValueError(f"[kinds.{name}.params] names what is not in it: {error.ref}") from None


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from (value for key, value in schema.items() if key == "$ref" and isinstance(value, str))
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


BUILT_IN_KINDS = parse_kinds("")
