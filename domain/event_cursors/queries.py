"""Reads of the cursors that a key keeps."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Select, select

from ..clock import rfc3339
from ..db import Row, Session
from ..errors import NotFound
from ..events.feed import cursor_at
from ..list_spec import ListSpec, Sortable
from .models import event_cursors

NAME_PATTERN = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_NAME = re.compile(NAME_PATTERN)
_COLUMNS = {name: event_cursors.c[name] for name in ("name", "created_at", "updated_at")}
CURSORS = ListSpec(
    event_cursors.c.name,
    Sortable.from_columns(_COLUMNS),
    "name",
    shown=("name", "object", "cursor", "created_at", "updated_at"),
)


def cursors_of(key_id: str) -> Select[Any]:
    """Those of a key."""
    return select(event_cursors, event_cursors.c.name.label("id")).where(event_cursors.c.key_id == key_id)


def find_cursor(session: Session, key_id: str, name: str) -> Row | None:
    """The key's cursor of this name."""
    if not is_name(name):
        return None
    return session.execute(cursors_of(key_id).where(event_cursors.c.name == name)).mappings().first()


def load_cursor(session: Session, key_id: str, name: str) -> Row:
    """The key's cursor of this name.

    Raises:
        NotFound: it keeps none.
    """
    row = find_cursor(session, key_id, name)
    if row is None:
        raise NotFound(f"This key keeps no cursor {name[:64]!r}.")
    return row


def is_name(name: str) -> bool:
    """Whether a cursor may be called so."""
    return _NAME.fullmatch(name) is not None


def represent_cursor(row: Row) -> dict[str, Any]:
    """The cursor as the API shows it."""
    return {
        "name": row["name"],
        "object": "event_cursor",
        "cursor": cursor_at(row["position"]),
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
    }
