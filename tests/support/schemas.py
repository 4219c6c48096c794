"""JSON Schemas in tests: the closed form of an open one, and every event held against its type's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator, ValidationError
from jsonschema_rs import Draft202012Validator as FastValidator

from domain.events import commands
from domain.events.schemas import PAYLOAD_VERSIONS, schema_of


def closed(schema: Any) -> Any:
    """The schema with every object taking its own members and no others."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(item) for name, item in schema.items()}
    if "properties" in found:
        found.setdefault("additionalProperties", False)
    return found


@cache
def _validators(event_type: str, payload_version: str) -> tuple[FastValidator, Draft202012Validator]:
    """One that is quick, for there are storms of events, and one whose words can be read."""
    schema = closed(schema_of(event_type, payload_version))
    return FastValidator(schema), Draft202012Validator(schema)


def mistakes_in(event: Mapping[str, Any]) -> list[str]:
    """Where a body is not what its type's schema says, in its closed form."""
    fast, slow = _validators(event["type"], event["version"])
    if fast.is_valid(event):
        return []
    return [_told(event["type"], error) for error in slow.iter_errors(event)]


def _told(event_type: str, error: ValidationError) -> str:
    nearest = _nearest(error)
    return f"{event_type} {nearest.json_path}: {nearest.message[:300]}"


def _nearest(error: ValidationError) -> ValidationError:
    """Of alternatives, what is wrong with the one that has the fewest mistakes."""
    if not error.context:
        return error
    alternatives: dict[Any, list[ValidationError]] = {}
    for inner in error.context:
        alternatives.setdefault(inner.schema_path[0], []).append(inner)
    return _nearest(min(alternatives.values(), key=len)[0])


_render = commands.render_bodies


@contextmanager
def any_event() -> Iterator[None]:
    """Events of any content may be written, for a test of what is done with them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commands, "render_bodies", _render)
        yield


def render_checked(*args: Any, **kwargs: Any) -> tuple[bytes, bytes]:
    """`render_bodies`, refusing what does not fit the catalogue.

    Raises:
        AssertionError: a body that no receiver was told to expect.
    """
    bodies = _render(*args, **kwargs)
    events = [orjson.loads(body) for body in bodies]
    assert [event["version"] for event in events] == list(PAYLOAD_VERSIONS)
    mistakes = [mistake for event in events for mistake in mistakes_in(event)]
    assert not mistakes, mistakes
    return bodies
