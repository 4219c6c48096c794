"""Reading the feed: what an actor sees of it behind a place, oldest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, select

from .. import cursors
from ..access import Actor, Permission
from ..db import Session
from ..errors import BadQuery, Gone, NotFound
from ..ids import is_id
from ..list_spec import ListSpec, Sortable
from .catalogue import FAMILIES, TYPES
from .commands import EVENTS_TOPIC
from .models import events
from .positions import PRUNED, Extent

_COLUMNS = {name: events.c[name] for name in ("project_id", "entity_object", "entity_id", "created_at")}
_FIELDS = {
    "type": Sortable(events.c.type, choices=tuple(TYPES)),
    "family": Sortable(events.c.family, choices=FAMILIES),
    **Sortable.from_columns(_COLUMNS),
}
STREAM = ListSpec(events.c.id, _FIELDS, "created_at", once=("after", "cursor_name", "types"))
FEED = ListSpec(events.c.id, _FIELDS, "created_at", once=(*STREAM.once, "limit"))
END = "end"
LARGEST_POSITION = 2**63 - 1
_OPERATIONAL = {"webhook": Permission.MANAGE_WEBHOOKS, "api_key": Permission.MANAGE_KEYS}
_SIGNATURE = cursors.signature_of([("feed", False)])
_SHOWN = (events.c.position, events.c.type, events.c.body)


@dataclass(frozen=True, slots=True)
class Told:
    """An event on its way: its place, its type and the bytes that webhooks get too."""

    position: int
    type: str
    body: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the feed.

    Attributes:
        until: the place that it goes up to: of its last event, or further where nothing follows that the actor sees.
        is_all: whether nothing followed.
    """

    events: Sequence[Told]
    until: int
    is_all: bool


def cursor_at(position: int) -> str:
    """The cursor that leads behind this place."""
    return cursors.encode(_SIGNATURE, [position])


def place_of(cursor: str) -> int:
    """The place that a cursor leads behind.

    Raises:
        ValueError: it is no cursor of the feed.
    """
    try:
        (position,) = cursors.decode(cursor, _SIGNATURE, 1)
    except BadQuery as error:
        raise ValueError from error
    if type(position) is not int or not 0 <= position <= LARGEST_POSITION:
        raise ValueError
    return position


def start_of(extent: Extent, after: str | None) -> int:
    """The place behind which to read on: of a cursor, of `end`, or before the oldest that is kept.

    Raises:
        BadQuery: it is no cursor.
        Gone: what follows it is not kept any more.
    """
    if not after:
        return extent.first
    if after == END:
        return extent.last
    try:
        position = place_of(after)
    except ValueError:
        raise BadQuery("after", f"`after` must be the `page.next` of a feed, or `{END}`.") from None
    check_kept(extent, position)
    return position


def check_kept(extent: Extent, position: int) -> None:
    """Raise `Gone` unless everything behind this place is there."""
    if position < extent.first:
        raise _gone(extent, "Events after this cursor are not kept any more")
    if position > extent.last:  # the database was restored from an older copy
        raise _gone(extent, "This cursor leads behind the end of the feed")


def _gone(extent: Extent, why: str) -> Gone:
    hint = "read on from `oldest`, and read what you keep anew, for some events are missing in between."
    return Gone(f"{why}: {hint}", cursor_at(extent.first))


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Which events exist for the actor: of their projects; those about webhooks and keys for who manages these."""
    hidden = [family for family, permission in _OPERATIONAL.items() if not actor.may(permission)]
    conditions = [~events.c.is_test]
    if hidden:
        conditions.append(events.c.family.not_in(hidden))
    if actor.project_ids is not None:
        conditions.append(events.c.project_id.in_(sorted(actor.project_ids)))
    return and_(*conditions)


def topics_for(actor: Actor) -> tuple[str, ...]:
    """What changes when there may be a new event for the actor."""
    if actor.project_ids is None:
        return (EVENTS_TOPIC,)
    # A key that sees no project waits, too, if for nothing but the end of its time.
    return tuple(f"{EVENTS_TOPIC}:{project_id}" for project_id in sorted(actor.project_ids)) or (actor.id,)


def read_part(
    session: Session, actor: Actor, conditions: Sequence[ColumnElement[bool]], after: int, extent: Extent, limit: int
) -> Part:
    """What the actor sees behind a place, up to so many events. One statement, none at the feed's end.

    Raises:
        Gone: it was pruned meanwhile.
    """
    if after >= extent.last:
        return Part((), after, is_all=True)
    behind = events.c.position.between(after + 1, extent.last)
    # Seen by the same statement: what was deleted before it ran is known to it.
    chosen: Select[*tuple[object, ...]] = select(*_SHOWN, PRUNED.label("pruned")).where(behind, visible_to(actor))
    rows = session.execute(chosen.where(*conditions).order_by(events.c.position).limit(limit + 1)).all()
    pruned = rows[0].pruned if rows else session.execute(select(PRUNED)).scalar_one()
    check_kept(Extent(pruned or 0, extent.last), after)
    told = [Told(row.position, row.type, row.body) for row in rows[:limit]]
    is_all = len(rows) <= limit
    return Part(told, extent.last if is_all else told[-1].position, is_all)


def load_body(session: Session, actor: Actor, event_id: str) -> str:
    """The body of one event.

    Raises:
        NotFound: there is no such event for the actor.
    """
    chosen = select(events.c.body).where(events.c.id == event_id, visible_to(actor))
    body: str | None = session.execute(chosen).scalar_one_or_none() if is_id(event_id, "evt") else None
    if body is None:
        raise NotFound(f"There is no event {event_id[:40]!r} that this caller can see.")
    return body
