"""Keeping a place in the feed for a key, and forgetting it."""

from __future__ import annotations

from sqlalchemy import delete, func, select

from ..db import Row, Session, upsert
from ..errors import Conflict, Invalid, NotFound
from ..events.commands import Context
from ..events.feed import place_of
from .models import event_cursors
from .queries import find_cursor, is_name, load_cursor

MOST_CURSORS = 100  # of a key


def keep_cursor(session: Session, context: Context, name: str, cursor: str | None, last: int) -> Row:
    """Keep a place under a name, in place of the one that is kept there. It may be moved back, too.

    Args:
        cursor: the `page.next` of a feed; None for its end.
        last: the feed's end.

    Raises:
        NotFound: nothing can be called so.
        Invalid: it is no cursor of this feed.
        Conflict: the key keeps a hundred of them.
    """
    if not is_name(name):
        raise NotFound(
            "The name of a cursor has 1 to 64 letters, digits, `.`, `_` and `-`, and begins with none of these."
        )
    position = last if cursor is None else _place(cursor, last)
    key_id = context.actor.id
    known = find_cursor(session, key_id, name)
    if known is None and _count(session, key_id) >= MOST_CURSORS:
        raise Conflict(f"A key keeps up to {MOST_CURSORS} cursors: delete one that is not needed.")
    created_at = context.now if known is None else known["created_at"]
    row = {"key_id": key_id, "name": name, "position": position, "created_at": created_at, "updated_at": context.now}
    upsert(session, event_cursors, ["key_id", "name"], [row])
    return row


def _place(cursor: str, last: int) -> int:
    try:
        position = place_of(cursor)
    except ValueError:
        position = last + 1
    if position > last:
        raise Invalid.field(
            "cursor", "invalid", "A cursor is the `page.next` of `GET /events`, or the `id` in a stream."
        )
    return position


def _count(session: Session, key_id: str) -> int:
    chosen = select(func.count()).select_from(event_cursors).where(event_cursors.c.key_id == key_id)
    return int(session.execute(chosen).scalar_one())


def forget_cursor(session: Session, key_id: str, name: str) -> Row:
    """Delete a cursor; what it was.

    Raises:
        NotFound: the key keeps none of this name.
    """
    row = load_cursor(session, key_id, name)
    table = event_cursors
    session.execute(delete(table).where(table.c.key_id == key_id, table.c.name == name))
    return row
