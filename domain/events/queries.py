"""Reads of events and of the catalogue of their types."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import RowMapping, select

from ..db import Row, Session
from ..errors import NotFound
from ..list_spec import ListSpec, Sortable
from .catalogue import FAMILIES, TYPES, family_of, is_operational
from .examples import example_event
from .models import events
from .schemas import PAYLOAD_VERSIONS, schema_of

# What lists show: not the bodies, which are large.
HEAD = tuple(
    events.c[name] for name in ("id", "type", "project_id", "entity_object", "entity_id", "actor", "created_at")
)

# The list of what happened to one object; its rows hold the bodies, too.
HISTORY = ListSpec(
    events.c.id,
    {
        "type": Sortable(events.c.type, choices=tuple(TYPES)),
        "family": Sortable(events.c.family, choices=FAMILIES),
        "created_at": Sortable(events.c.created_at),
    },
    "-created_at",
)
# Of every object; a test of a webhook is about an object that nothing happened to.
HAPPENED = select(*(events.c[name] for name in ("id", "type", "family", "created_at", "body"))).where(~events.c.is_test)


def latest_events(session: Session, project_ids: frozenset[str] | None, limit: int) -> list[RowMapping]:
    """The newest events in these projects, None for all; tests of webhooks are left out."""
    chosen = select(*HEAD).where(~events.c.is_test).order_by(events.c.seq.desc()).limit(limit)
    if project_ids is not None:
        chosen = chosen.where(events.c.project_id.in_(sorted(project_ids)))
    return list(session.execute(chosen).mappings())


def describe_type(event_type: str) -> dict[str, Any]:
    """A type as the catalogue shows it: what it tells, and for each payload version a JSON Schema and an example.

    Raises:
        NotFound: there is no such type.
    """
    if event_type not in TYPES:
        raise NotFound(f"There is no event type {event_type[:60]!r}; `/event-types` lists them all.")
    return {
        "object": "event_type",
        "name": event_type,
        "family": family_of(event_type),
        "description": TYPES[event_type],
        "operational": is_operational(event_type),
        "forms": [
            {
                "payload_version": version,
                "schema": schema_of(event_type, version),
                "example": example_event(event_type, version),
            }
            for version in PAYLOAD_VERSIONS
        ],
    }


def describe_types() -> list[dict[str, Any]]:
    """Every type, in the catalogue's order."""
    return [describe_type(event_type) for event_type in TYPES]


def represent_event(row: Row) -> dict[str, Any]:
    """The event as webhooks and the feed tell it."""
    told: dict[str, Any] = orjson.loads(row["body"])
    return told
