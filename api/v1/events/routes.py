"""The catalogue of event types."""

from __future__ import annotations

from functools import cache

import orjson

from domain.access import Permission
from domain.events.queries import describe_type, describe_types
from domain.listing import LARGEST_LIMIT

from ...answers import Answer, one
from ...blueprint import Blueprint
from ...call import Call
from .schemas import EventDescriptionSchema

blueprint = Blueprint("events", __name__, description="What happens, and what is sent of it.")


@blueprint.operation(
    "GET", "/event-types", id="get_event_types", permission=Permission.READ, returns=EventDescriptionSchema,
    results=True,
)  # fmt: skip
def get_types(_call: Call) -> Answer:
    """List every type of event, each with JSON Schema and example for every payload version."""
    return Answer({"data": _written(), "page": {"next": None, "limit": LARGEST_LIMIT}})


@cache
def _written() -> orjson.Fragment:
    """The whole catalogue: a quarter of a megabyte that never changes while the process runs."""
    return orjson.Fragment(orjson.dumps(describe_types()))


@blueprint.operation(
    "GET", "/event-types/<event_type>", id="get_event_type", permission=Permission.READ, returns=EventDescriptionSchema
)
def get_type(_call: Call, event_type: str) -> Answer:
    """Get a type of event with JSON Schema and example for every payload version."""
    return one(describe_type(event_type))
