"""Cursors that the key keeps here, so that a script needs no storage of its own."""

from __future__ import annotations

from typing import Any

from domain.access import Permission
from domain.event_cursors.commands import forget_cursor, keep_cursor
from domain.event_cursors.queries import CURSORS, cursors_of, load_cursor, represent_cursor

from ...answers import Answer, one
from ...blueprint import Blueprint
from ...call import Call
from ...lists import answer_list
from .schemas import EventCursorSchema, KeptCursorSchema

blueprint = Blueprint("event cursors", __name__, description="How far the calling key has come in the feed.")
ONE = "/event-cursors/<cursor_name>"


@blueprint.operation(
    "GET", "/event-cursors", id="list_event_cursors", permission=Permission.READ, returns=EventCursorSchema,
    listing=CURSORS,
)  # fmt: skip
def list_cursors(call: Call) -> Answer:
    """List the cursors that the calling key keeps."""
    return answer_list(call, CURSORS, cursors_of(call.actor.id), represent_cursor)


@blueprint.operation("GET", ONE, id="get_event_cursor", permission=Permission.READ, returns=EventCursorSchema)
def get_cursor(call: Call, cursor_name: str) -> Answer:
    """Get a cursor that the calling key keeps."""
    return one(represent_cursor(load_cursor(call.session, call.actor.id, cursor_name)))


@blueprint.operation(
    "PUT", ONE, id="put_event_cursor", permission=Permission.READ, returns=EventCursorSchema, body=KeptCursorSchema,
    prepare=lambda call: call.services.feed.extent(),
)  # fmt: skip
def put_cursor(call: Call, body: dict[str, Any], cursor_name: str) -> Answer:
    """Keep a cursor under a name: the `page.next` of the last page that is done with. Up to 100 for each key.

    `GET /events?cursor_name=<name>` reads on from it, and does not move it.
    """
    row = keep_cursor(call.session, call.context, cursor_name, body.get("cursor"), call.prepared.last)
    return one(represent_cursor(row))


@blueprint.operation("DELETE", ONE, id="delete_event_cursor", permission=Permission.READ, returns=EventCursorSchema)
def delete_cursor(call: Call, cursor_name: str) -> Answer:
    """Forget a cursor."""
    return one(represent_cursor(forget_cursor(call.session, call.actor.id, cursor_name)))
