"""Recording an event: its bodies, its row and a delivery for every webhook that asked for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import select

from ..access import Actor
from ..clock import rfc3339
from ..db import Session, signal_after_commit
from ..deliveries.commands import fan_out
from ..ids import new_id
from ..inserting import Insert
from ..signals import Changed
from .catalogue import family_of
from .models import UNPLACED, events

LARGEST_BODY = 64 * 1024
EVENTS_TOPIC = "events"  # of what those wait for who read the feed; with a colon and an id, of one project
MOST_TOLD = 5000  # events that are looked at for whose readers to tell
_INSERT = Insert(events, itemgetter, without=("seq", "position"))


@dataclass(frozen=True, slots=True)
class Context:
    """Who does something, in which request, when: what every command that emits an event needs to know."""

    actor: Actor
    now: datetime
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Happening:
    """What an event tells.

    Attributes:
        data: the entity as the API shows it.
        changes: `{field: {"from": …, "to": …}}`, read under the row's lock.
    """

    type: str
    project_id: str | None
    data: Mapping[str, Any]
    changes: Mapping[str, Any] | None = None


def record_events(session: Session, context: Context, happenings: Sequence[Happening]) -> list[str]:
    """Write events and their deliveries in the caller's transaction, in two statements; the bell rings after it.

    Returns:
        The events' ids, in order.
    """
    ids = write_events(session, context, happenings)
    if ids:
        fan_out(session, ids, context.now)
    return ids


def write_events(
    session: Session, context: Context, happenings: Sequence[Happening], *, is_test: bool = False
) -> list[str]:
    """Write events alone, with no deliveries."""
    rows = [_row(context, happening, is_test) for happening in happenings]
    if rows:
        _INSERT.run(session, rows)
    if rows and not is_test:
        _signal(session, {row["project_id"] for row in rows})
    return [row["id"] for row in rows]


def tell_of_unplaced(session: Session) -> None:
    """Have those told who wait for events that have no place yet: a process may die after its commit, untold."""
    newest = select(events.c.project_id).where(UNPLACED).order_by(events.c.seq.desc()).limit(MOST_TOLD).subquery()
    project_ids = session.execute(select(newest).distinct()).scalars().all()
    if project_ids:
        _signal(session, project_ids)


def _signal(session: Session, project_ids: Collection[str | None]) -> None:
    signal_after_commit(session, Changed(EVENTS_TOPIC))
    for project_id in project_ids:
        if project_id is not None:
            signal_after_commit(session, Changed(f"{EVENTS_TOPIC}:{project_id}"))


def _row(context: Context, happening: Happening, is_test: bool) -> dict[str, Any]:
    head = {
        "id": new_id("evt"),
        "type": happening.type,
        "version": "v1",
        "timestamp": rfc3339(context.now),
        "project_id": happening.project_id,
    }
    body, thin = render_bodies(head, context, happening.data, happening.changes)
    return {
        "id": head["id"],
        "type": happening.type,
        "family": family_of(happening.type),
        "project_id": happening.project_id,
        "entity_object": happening.data["object"],
        "entity_id": happening.data["id"],
        "actor": context.actor.as_data(),
        "request_id": context.request_id,
        "body": body.decode(),
        "thin_body": thin.decode(),
        "is_test": is_test,
        "created_at": context.now,
    }


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
