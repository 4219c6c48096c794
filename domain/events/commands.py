"""Recording an event: its bodies, its row and a delivery for every webhook that asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import insert

from ..access import Actor
from ..clock import rfc3339
from ..db import Session
from ..deliveries.commands import fan_out
from ..ids import new_id
from .catalogue import family_of
from .models import events

LARGEST_BODY = 64 * 1024


@dataclass(frozen=True, slots=True)
class Context:
    """Who does something, in which request, when: what every command that emits an event needs to know."""

    actor: Actor
    now: datetime
    request_id: str | None = None


def record_event(
    session: Session,
    context: Context,
    *,
    type: str,  # noqa: A002 - the field's name in the contract
    project_id: str | None,
    data: Mapping[str, Any],
    changes: Mapping[str, Any] | None = None,
) -> str:
    """Write the event and its deliveries in the caller's transaction; the bell rings after the commit.

    Args:
        data: the entity as the API shows it.
        changes: `{field: {"from": …, "to": …}}`, read under the row's lock.

    Returns:
        The event's id.
    """
    event_id = write_event(session, context, type=type, project_id=project_id, data=data, changes=changes)
    fan_out(session, [event_id], context.now)
    return event_id


def write_event(
    session: Session,
    context: Context,
    *,
    type: str,  # noqa: A002
    project_id: str | None,
    data: Mapping[str, Any],
    changes: Mapping[str, Any] | None = None,
    is_test: bool = False,
) -> str:
    """Write the event alone, with no deliveries."""
    event_id = new_id("evt")
    head = {"id": event_id, "type": type, "version": "v1", "timestamp": rfc3339(context.now), "project_id": project_id}
    body, thin = render_bodies(head, context, data, changes)
    session.execute(
        insert(events).values(
            id=event_id,
            type=type,
            family=family_of(type),
            project_id=project_id,
            entity_object=data["object"],
            entity_id=data["id"],
            actor=context.actor.as_data(),
            request_id=context.request_id,
            body=body.decode(),
            thin_body=thin.decode(),
            is_test=is_test,
            created_at=context.now,
        )
    )
    return event_id


def render_bodies(
    head: dict[str, Any], context: Context, data: Mapping[str, Any], changes: Mapping[str, Any] | None
) -> tuple[bytes, bytes]:
    """The `v1` body (the whole entity) and the `v1-thin` body (ids and a link).

    A `v1` body over 64 KiB is replaced by the thin form, marked `"truncated": true`.
    """
    origin = {"actor": context.actor.as_data(), "request_id": context.request_id}
    link = f"/api/v1/{data['object'].replace('_', '-')}s/{data['id']}"
    thin_data = {"object": data["object"], "id": data["id"], "links": {"self": link}}
    body = orjson.dumps({**head, **origin, "data": data, "changes": changes or {}})
    if len(body) > LARGEST_BODY:
        body = orjson.dumps({**head, **origin, "data": thin_data, "changes": {}, "truncated": True})
    return body, orjson.dumps({**head, "version": "v1-thin", **origin, "data": thin_data})
