"""The feed: every event that the caller sees, each once, in one order; whoever read up to a cursor misses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import orjson

from domain.access import Permission
from domain.events.feed import FEED, Part, cursor_at, load_body, read_part, topics_for

from ...answers import Answer
from ...blueprint import Blueprint
from ...call import Call
from ...waiting import Waits
from .schemas import EventSchema
from .starting import Wanted

blueprint = Blueprint("event feed", __name__, description="What happened, in order, for whoever comes and reads it.")


@blueprint.operation(
    "GET", "/events", id="list_events", permission=Permission.READ, returns=EventSchema, listing=FEED, waits=Waits.QUERY
)
def list_events(call: Call) -> Answer:
    """Read the events behind a cursor, oldest first, with the ids and bodies that webhooks get.

    Without `after` from the oldest that is kept. `page.next` is never null: it is the `after` of the next call, and
    each event is behind it or was told. With `wait` the call is answered as soon as there is an event.
    """
    extent = call.services.feed.extent(fresh=call.woken)  # first: it takes a connection of its own
    wanted = Wanted.of(call, FEED)
    part = read_part(call.session, call.actor, wanted.conditions, wanted.start(call, extent), extent, wanted.limit)
    return _answer(call, part, wanted.limit)


def _answer(call: Call, part: Part, limit: int) -> Answer:
    page = {"next": cursor_at(part.until), "limit": limit}
    query = urlencode([(name, value) for name, value in call.query if name not in ("after", "cursor_name")])
    link = f'<{call.path}?{query and query + "&"}after={page["next"]}>; rel="next"'
    awaits = () if part.events else topics_for(call.actor)
    return Answer(
        {"data": _written([told.body for told in part.events]), "page": page},
        headers={} if part.is_all else {"Link": link},
        awaits=awaits,
    )


def _written(bodies: Sequence[str]) -> orjson.Fragment:
    return orjson.Fragment(f"[{','.join(bodies)}]")


@blueprint.operation("GET", "/events/<event_id>", id="get_event", permission=Permission.READ, returns=EventSchema)
def get_event(call: Call, event_id: str) -> Answer:
    """Get an event, with the body that webhooks get."""
    return Answer({"data": orjson.Fragment(load_body(call.session, call.actor, event_id))})
