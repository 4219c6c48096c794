"""What happened to one object: its events, with the bodies that webhooks get."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import select

from ..db import Row
from ..list_spec import ListSpec, Sortable
from .catalogue import FAMILIES, TYPES
from .models import events

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


def represent_event(row: Row) -> dict[str, Any]:
    """The event as webhooks and the feed tell it."""
    told: dict[str, Any] = orjson.loads(row["body"])
    return told
