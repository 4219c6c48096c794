"""An example of each event type: what the test button sends and the catalogue shows."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson

from ..access import Actor, Role, Scope
from ..clock import rfc3339
from ..db import Row
from ..webhooks.queries import represent_trouble
from .commands import Context, render_bodies

_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
_AT = rfc3339(_MOMENT)
_TAIL = "0" * 25 + "1"
_COMMON = {"created_at": _AT, "updated_at": _AT, "version": 2}
_ACTOR = Actor("api_key", f"key_{_TAIL}", "Review tool", Role.REVIEWER, Scope.FULL, None)
_WEBHOOK: dict[str, Any] = {
    "id": f"whk_{_TAIL}",
    "url": "https://tools.example.com/callsheet",
    "description": "ShotGrid status sync",
    "enabled": True,
    "failing_since": None,
    "disabled_reason": None,
}
# How a webhook stands when an event tells of it.
_STANDINGS: dict[str, dict[str, Any]] = {
    "failing": {"enabled": True, "failing_since": _MOMENT, "disabled_reason": None},
    "disabled": {"enabled": False, "failing_since": _MOMENT, "disabled_reason": "exhausted"},
    "recovered": {"enabled": True, "failing_since": None, "disabled_reason": None},
}
_PROJECT = {
    "name": "The Salt Line",
    "code": "salt-line",
    "description": "A lighthouse, a storm, and somebody who stayed.",
    "status": "active",
    "strict_metadata": False,
}
_ASSET = {
    "project_id": f"prj_{_TAIL}",
    "name": "Mara Voss",
    "code": "mara-voss",
    "description": "Lighthouse keeper, 34, never without her brass compass.",
    "status": "in_review",
}
_KNOWN = {"external_ids": {"shotgrid": "1042"}, "metadata": {"costume": "oilskin"}}
_PLACES: dict[str, dict[str, Any]] = {
    "character": {},
    "scene": {"name": "The lamp goes out", "code": "sc-010", "position": 10},
    "segment": {
        "scene_id": f"scn_{_TAIL}",
        "name": "Wide on the cliff",
        "code": "sh-0010",
        "position": 10,
        "frame_in": 1001,
        "frame_out": 1096,
    },
}
_PREFIXES = {"character": "chr", "scene": "scn", "segment": "seg"}
_JOB_STATUSES = {"submitted": "queued", "started": "running", "completed": "succeeded"}


def example_event(event_type: str, payload_version: str) -> dict[str, Any]:
    """A whole body of this type and version, as a receiver gets it."""
    found: dict[str, Any] = orjson.loads(_example_bodies(event_type)[payload_version])
    return found


@cache
def _example_bodies(event_type: str) -> dict[str, bytes]:
    data, changes = example_data(event_type)
    head = {
        "id": f"evt_{_TAIL}",
        "type": event_type,
        "version": "v1",
        "timestamp": _AT,
        "project_id": data["id"] if data["object"] == "project" else data.get("project_id"),
    }
    whole, thin = render_bodies(head, Context(_ACTOR, _MOMENT, f"req_{_TAIL}"), data, changes)
    return {"v1": whole, "v1-thin": thin}


def example_data(event_type: str, webhook: Row | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """`data` and `changes` of an example event.

    Args:
        webhook: the one it is sent to, which events about webhooks tell of.
    """
    family, _, verb = event_type.partition(".")
    if family == "webhook":
        return represent_trouble({**_WEBHOOK, **(webhook or {}), **_STANDINGS.get(verb, {})}), {}
    if family == "api_key":
        return _example_key(), {}
    if family == "job":
        return _example_job(verb), {}
    return _example_entity(family if family == "project" or family in _PLACES else "character", family, verb)


def _example_entity(noun: str, family: str, verb: str) -> tuple[dict[str, Any], dict[str, Any]]:
    prefix = "prj" if noun == "project" else _PREFIXES[noun]
    told = _PROJECT if noun == "project" else {**_ASSET, **_PLACES[noun]}
    data: dict[str, Any] = {"object": noun, "id": f"{prefix}_{_TAIL}", **told, **_KNOWN, **_COMMON}
    if family == "metadata":
        return data, {"metadata.costume": {"from": "sou'wester", "to": "oilskin"}}
    if verb == "created":
        return data | {"status": "active" if noun == "project" else "draft", "version": 1}, {}
    if verb == "updated":
        return data, {"description": {"from": "", "to": data["description"]}}
    before, after = {"submitted": ("draft", "in_review"), "archived": (data["status"], "archived")}.get(
        verb, ("in_review", verb)
    )
    return data | {"status": after}, {"status": {"from": before, "to": after}}


def _example_job(verb: str) -> dict[str, Any]:
    status = _JOB_STATUSES.get(verb, verb)
    return {
        "object": "job",
        "id": f"job_{_TAIL}",
        "project_id": f"prj_{_TAIL}",
        "kind": "generate",
        "target": {"object": "segment", "id": f"seg_{_TAIL}"},
        "params": {"seed": 7, "seconds": 4},
        "priority": 50,
        "status": status,
        "progress": 100 if status == "succeeded" else 0,
        "message": None,
        "result": {"frames": 96} if status == "succeeded" else None,
        "error": {"code": "out_of_memory", "message": "The GPU ran out of memory."} if status == "failed" else None,
        "attempts": 0 if status == "queued" else 1,
        "max_attempts": 3,
        "depends_on": [],
        "cost": {"amount": "0.42", "currency": "EUR", "gpu_seconds": 93.5} if status == "succeeded" else None,
        "cancel_requested": status == "cancelled",
        "worker": None if status == "queued" else "farm-07",
        "submitted_by": _ACTOR.as_data(),
        "started_at": None if status == "queued" else _AT,
        "finished_at": None if status in ("queued", "running") else _AT,
        **_COMMON,
    }


def _example_key() -> dict[str, Any]:
    never = dict.fromkeys(("suspended_at", "suspended_reason", "revoked_at", "revoked_reason"))
    used = {"last_used_at": _AT, "last_used_ip": "192.0.2.10"}
    secret = {"id": "4fYq0NwTz8Lm", "status": "active", "created_at": _AT, "retired_at": None, "expires_at": None}
    return {
        "object": "api_key",
        "id": f"key_{_TAIL}",
        "name": "Render farm",
        "description": "Claims and reports jobs.",
        "tags": ["farm"],
        "role": "creator",
        "scope": "full",
        "project_ids": None,
        "read_per_minute": 600,
        "write_per_minute": 120,
        "allowed_cidrs": ["10.20.0.0/16"],
        "allowlist_mode": "enforce",
        "expires_at": "2026-01-08T00:00:00.000Z",
        "status": "active",
        **never,
        **used,
        "secrets": [{**secret, **used}],
        "created_by": {"type": "user", "id": f"usr_{_TAIL}", "name": "Ada"},
        **_COMMON,
        "expires_within_days": 7,
    }
