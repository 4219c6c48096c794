"""Past events as rows, with the bodies that `domain.events` would have rendered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain.access import Actor
from domain.clock import rfc3339
from domain.events.catalogue import family_of
from domain.events.commands import Context, render_bodies

from .past import past_id


def event_row(
    event_type: str,
    at: datetime,
    actor: Actor,
    request_id: str | None,
    data: Mapping[str, Any],
    changes: Mapping[str, Any] | None = None,
    is_test: bool = False,
) -> dict[str, Any]:
    """The row of an event that happened then; `data` is the object as the API showed it."""
    project_id = data["id"] if data["object"] == "project" else data.get("project_id")
    head = {
        "id": past_id("evt", at),
        "type": event_type,
        "version": "v1",
        "timestamp": rfc3339(at),
        "project_id": project_id,
    }
    body, thin = render_bodies(head, Context(actor, at, request_id), data, changes)
    return {
        **{name: head[name] for name in ("id", "type", "project_id")},
        "family": family_of(event_type),
        "entity_object": data["object"],
        "entity_id": data["id"],
        "actor": actor.as_data(),
        "request_id": request_id,
        "body": body.decode(),
        "thin_body": thin.decode(),
        "is_test": is_test,
        "created_at": at,
    }
