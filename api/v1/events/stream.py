"""The feed as a stream of Server-Sent Events (WHATWG HTML, section 9.2): one connection that stays open."""

from __future__ import annotations

from domain.access import Permission
from domain.events.feed import STREAM, read_part, start_of

from ...answers import Answer
from ...blueprint import Blueprint
from ...call import Call
from ...problems import Problem
from .following import Follower, Following
from .schemas import EventSchema
from .starting import Wanted

MEDIA_TYPE = "text/event-stream"
TOO_MANY_SECONDS = 30  # after which it is worth trying again, for a stream may have ended

blueprint = Blueprint("event stream", __name__, description="What happened, told as it happens.")


@blueprint.operation(
    "GET", "/events/stream", id="stream_events", permission=Permission.READ, returns=EventSchema,
    listing=STREAM, streams={"sse": MEDIA_TYPE},
)  # fmt: skip
def stream_events(call: Call) -> Answer:
    """Be told of events as they happen, as Server-Sent Events: `id` is a cursor, `event` the type, `data` the body.

    A client that lost the connection says in `Last-Event-ID` where it was, and misses nothing. Every 25 seconds a
    comment shows that the connection lives, with the cursor that is reached by then. It ends with the key.
    """
    extent = call.services.feed.extent()
    wanted = Wanted.of(call, STREAM)
    known = call.header("Last-Event-ID")
    start = start_of(extent, known) if known else wanted.start(call, extent)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    if call.method == "HEAD":
        return Answer({}, headers=headers, stream=iter(()), content_type=MEDIA_TYPE)
    read_part(call.session, call.actor, wanted.conditions, start, extent, 1)  # refuses a bad filter before it begins
    return Answer({}, headers=headers, stream=_followed(call, wanted, start), content_type=MEDIA_TYPE)


def _followed(call: Call, wanted: Wanted, start: int) -> Following:
    gate, key_id = call.services.gate, call.actor.id
    most = call.services.settings.streams_per_key
    if not gate.open_stream(key_id, most):
        raise Problem(
            "too-many-streams",
            f"This key keeps {most} streams open here already: end one of them, or read `GET /events` with `wait`.",
            headers={"Retry-After": str(TOO_MANY_SECONDS)},
        )
    if not gate.take_room(key_id):
        gate.close_stream(key_id)
        raise Problem("busy", "No more calls can wait here; read `GET /events`.", headers={"Retry-After": "5"})

    def close() -> None:
        gate.give_room(key_id)
        gate.close_stream(key_id)

    return Following(Follower(call, wanted.conditions, start).pieces(), close)
