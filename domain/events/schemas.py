"""The JSON Schema (2020-12) of each event type and payload version: what a receiver may rely on.

Open, for a later version may add members; the tests validate every event that they emit against the closed form.
"""

from __future__ import annotations

from functools import cache

from .catalogue import TYPES
from .definitions import ACTOR, MOMENT, JsonSchema, changes_of, data_of, id_of, nullable, objects_of, record_of, text
from .definitions import reference as reference_to

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@cache
def schema_of(event_type: str, payload_version: str) -> JsonSchema:
    """The schema of the whole body. The same object each time: do not change it.

    Raises:
        KeyError: there is no such type or version.
    """
    head = {
        "$schema": DIALECT,
        "title": f"{event_type} {payload_version}",
        "description": TYPES[event_type],
    }
    return {**head, **_FORMS[payload_version](event_type)}


def _envelope(event_type: str, payload_version: str) -> dict[str, JsonSchema]:
    return {
        "id": {**id_of("evt"), "description": "The same on every attempt, and the `webhook-id` header."},
        "type": {"const": event_type},
        "version": {"const": payload_version},
        "timestamp": {**MOMENT, "description": "When it happened."},
        "project_id": {**nullable(id_of("prj")), "description": "null for what is in no project, and in tests."},
        "actor": {**ACTOR, "description": "Who did it."},
        "request_id": {**nullable(text()), "description": "Of the API call that did it, as in the audit."},
    }


def _whole(event_type: str) -> JsonSchema:
    """The entity, or where it would be over 64 KiB, `truncated` and the thin form of it."""
    members = {
        **_envelope(event_type, "v1"),
        "data": {"type": "object", "description": "What it is about, as the API shows it."},
        "changes": {"type": "object", "description": "Old and new value of what changed, by field."},
        "truncated": {"const": True, "description": "Only where the body would be over 64 KiB: `data` is thin then."},
    }
    thin = {"data": reference_to(objects_of(event_type)), "changes": {"maxProperties": 0}}
    whole = {"data": data_of(event_type), "changes": changes_of(event_type)}
    return {
        **record_of(members, optional=["truncated"]),
        "if": {"required": ["truncated"]},
        "then": {"properties": thin, "additionalProperties": True},
        "else": {"properties": whole, "additionalProperties": True},
    }


def _thin(event_type: str) -> JsonSchema:
    data = {**reference_to(objects_of(event_type)), "description": "What it is about, and where to read it."}
    return record_of({**_envelope(event_type, "v1-thin"), "data": data})


_FORMS = {"v1": _whole, "v1-thin": _thin}
PAYLOAD_VERSIONS = tuple(_FORMS)
