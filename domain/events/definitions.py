"""JSON Schemas of the objects that events carry: what the API shows, said without the API.

A test holds them against the API's own. They are open, for a later version may add members.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..access import Role, Scope
from ..api_keys.queries import SECRET_STATUSES
from ..api_keys.queries import STATUSES as KEY_STATUSES
from ..api_keys.rules import ALLOWLIST_MODES
from ..entities import ASSET_STATUSES, Kind
from ..entity_rules import PROJECT_STATUSES
from ..filters import LARGEST_INTEGER
from ..ids import id_pattern
from ..studio import ASSETS, BY_OBJECT, KINDS

JsonSchema = dict[str, Any]
# The part of an id that says what it is of; in `links.self` its plural stands in the path.
PREFIXES = {**{kind.object: kind.prefix for kind in KINDS}, "job": "job", "webhook": "whk", "api_key": "key"}


def text(**bounds: Any) -> JsonSchema:
    """Any text, or one within bounds."""
    return {"type": "string", **bounds}


def word(words: Sequence[str]) -> JsonSchema:
    """One of these words."""
    return {"enum": [str(one) for one in words]}


def nullable(schema: JsonSchema) -> JsonSchema:
    """The same, or null."""
    kind = schema.get("type")
    return {**schema, "type": [kind, "null"]} if isinstance(kind, str) else {"anyOf": [schema, {"type": "null"}]}


def id_of(prefix: str) -> JsonSchema:
    """An id with this prefix."""
    return text(pattern=id_pattern(prefix))


def record_of(properties: Mapping[str, JsonSchema], optional: Sequence[str] = ()) -> JsonSchema:
    """An object with these members, all required but `optional`."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": dict(properties)}


def _whole(least: int = -LARGEST_INTEGER, most: int = LARGEST_INTEGER) -> JsonSchema:
    return {"type": "integer", "minimum": least, "maximum": most}


MOMENT = text(format="date-time", pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
ANYTHING: JsonSchema = {"type": "object"}
TEXTS: JsonSchema = {"type": "object", "additionalProperties": {"type": "string"}}
COMMON = {"created_at": MOMENT, "updated_at": MOMENT, "version": _whole(1)}
ACTOR = record_of({"type": word(("api_key", "user", "system")), "id": text(), "name": text()})

_FIELDS: dict[str, JsonSchema] = {
    "project_id": id_of("prj"),
    "scene_id": id_of("scn"),
    "name": text(),
    "code": text(),
    "description": text(),
    "external_ids": TEXTS,
    "metadata": ANYTHING,
    "position": _whole(),
    "frame_in": nullable(_whole()),
    "frame_out": nullable(_whole()),
    "strict_metadata": {"type": "boolean"},
    **COMMON,
}


def entity(kind: Kind, statuses: Sequence[str] | None = None) -> JsonSchema:
    """A project, character, scene or segment.

    Args:
        statuses: those that it can have, where an event tells.
    """
    possible = statuses or (PROJECT_STATUSES if kind.object == "project" else ASSET_STATUSES)
    fields = {name: word(possible) if name == "status" else _FIELDS[name] for name in kind.fields}
    return record_of({"id": id_of(kind.prefix), "object": {"const": kind.object}, **fields})


def any_asset(statuses: Sequence[str]) -> JsonSchema:
    """A character, scene or segment in one of these statuses."""
    return {"oneOf": [entity(kind, statuses) for kind in ASSETS]}


def any_entity() -> JsonSchema:
    """Whatever has metadata."""
    return {"oneOf": [entity(kind) for kind in KINDS]}


def job(statuses: Sequence[str]) -> JsonSchema:
    """A generation job in one of these statuses."""
    targets = [{"object": {"const": kind.object}, "id": id_of(kind.prefix)} for kind in ASSETS]
    number = _whole(0)
    fields: dict[str, JsonSchema] = {
        "id": id_of("job"),
        "object": {"const": "job"},
        "project_id": id_of("prj"),
        "kind": text(),
        "target": {"oneOf": [record_of(target) for target in targets]},
        "params": ANYTHING,
        "priority": number,
        "status": word(statuses),
        "progress": {"type": "number", "minimum": 0, "maximum": 100},
        "message": nullable(text()),
        "result": nullable(ANYTHING),
        "error": nullable(ANYTHING),
        "attempts": number,
        "max_attempts": number,
        "depends_on": {"type": "array", "items": id_of("job")},
        "cost": nullable(ANYTHING),
        "cancel_requested": {"type": "boolean"},
        "worker": nullable(text()),
        "submitted_by": ACTOR,
        **dict.fromkeys(("started_at", "finished_at"), nullable(MOMENT)),
        **COMMON,
    }
    return {**record_of(fields), "additionalProperties": True}


_STANDINGS = {"failing": ("failing",), "disabled": ("disabled",), "recovered": ("healthy",)}


def webhook(verb: str) -> JsonSchema:
    """How a webhook stands, where an event of this verb tells of it; never its secret."""
    fields: dict[str, JsonSchema] = {
        "id": id_of("whk"),
        "object": {"const": "webhook"},
        "url": text(),
        "description": text(),
        "status": word(_STANDINGS.get(verb, ("healthy", "failing", "disabled"))),
        "failing_since": nullable(MOMENT),
        "disabled_reason": nullable(text()),
    }
    return record_of(fields)


def expiring_key() -> JsonSchema:
    """An API key with the days it has left; never its text."""
    written = nullable(MOMENT)
    reason, count = nullable(text()), _whole(1)
    secret = {
        "id": text(), "status": word(SECRET_STATUSES), "created_at": MOMENT,
        **dict.fromkeys(("retired_at", "expires_at", "last_used_at"), written), "last_used_ip": reason,
    }  # fmt: skip
    fields: dict[str, JsonSchema] = {
        "id": id_of("key"),
        "object": {"const": "api_key"},
        **dict.fromkeys(("name", "description"), text()),
        "tags": {"type": "array", "items": text()},
        "role": word(tuple(Role)),
        "scope": word(tuple(Scope)),
        "project_ids": nullable({"type": "array", "items": id_of("prj")}),
        **dict.fromkeys(("read_per_minute", "write_per_minute"), count),
        "allowed_cidrs": {"type": "array", "items": text()},
        "allowlist_mode": word(ALLOWLIST_MODES),
        "expires_at": MOMENT,
        "status": word(KEY_STATUSES),
        "suspended_at": written,
        "suspended_reason": reason,
        "revoked_at": written,
        "revoked_reason": reason,
        "last_used_at": written,
        "last_used_ip": reason,
        "secrets": {"type": "array", "items": record_of(secret)},
        "created_by": ACTOR,
        **COMMON,
        "expires_within_days": count,
    }
    return record_of(fields)


def reference(objects: Sequence[str]) -> JsonSchema:
    """The thin form of one of these objects: its id, and where to read it."""
    forms = [
        record_of(
            {
                "object": {"const": name},
                "id": id_of(PREFIXES[name]),
                "links": record_of({"self": text(pattern=_path(name))}),
            }
        )
        for name in objects
    ]
    return forms[0] if len(forms) == 1 else {"oneOf": forms}


def _path(name: str) -> str:
    return f"^/api/v1/{name.replace('_', '-')}s/{id_pattern(PREFIXES[name]).removeprefix('^')}"


def objects_of(event_type: str) -> tuple[str, ...]:
    """What an event of this type may be about."""
    family = event_type.partition(".")[0]
    if family == "metadata":
        return tuple(BY_OBJECT)
    return tuple(kind.object for kind in ASSETS) if family == "asset" else (family,)


def data_of(event_type: str) -> JsonSchema:
    """`data` of the whole form of an event of this type."""
    family, _, verb = event_type.partition(".")
    if family in BY_OBJECT:
        return entity(BY_OBJECT[family], ("archived",) if verb == "archived" else None)
    if family == "asset":
        return any_asset(("in_review",) if verb == "submitted" else (verb,))
    if family == "job":
        ended = {"submitted": ("waiting", "queued"), "started": ("running",), "completed": ("succeeded",)}
        return job(ended.get(verb, (verb,)))
    if family == "webhook":
        return webhook(verb)
    return {"metadata": any_entity, "api_key": expiring_key}[family]()


def changes_of(event_type: str) -> JsonSchema:
    """`changes` of the whole form: old and new values of what changed, by field."""
    family, _, verb = event_type.partition(".")
    change = record_of({"from": {}, "to": {}})
    told: JsonSchema = {"type": "object", "additionalProperties": change}
    if family == "metadata":
        return {**told, "propertyNames": {"pattern": r"^metadata\."}}
    if verb == "archived":
        return _status_change(("archived",))
    if family == "asset":
        return _status_change(("in_review",) if verb == "submitted" else (verb,))
    if verb == "updated":
        return {**told, "propertyNames": word([name for name in BY_OBJECT[family].fields if name not in COMMON])}
    return told if family == "job" else {**told, "maxProperties": 0}


def _status_change(after: Sequence[str]) -> JsonSchema:
    before = text(enum=sorted({*ASSET_STATUSES, *PROJECT_STATUSES}))
    return record_of({"status": record_of({"from": before, "to": word(after)})})
