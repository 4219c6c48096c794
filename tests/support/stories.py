"""What happened: the events that a test left, in order."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import select

from domain.db import Database
from domain.events.models import events


def told(database: Database, entity_id: str) -> list[dict[str, Any]]:
    """The bodies of an entity's events, in order."""
    with database.reading() as session:
        found = session.execute(select(events.c.body).where(events.c.entity_id == entity_id).order_by(events.c.seq))
        return [orjson.loads(body) for body in found.scalars()]


def types_told(database: Database, entity_id: str) -> list[str]:
    """The types of an entity's events, in order."""
    return [body["type"] for body in told(database, entity_id)]
