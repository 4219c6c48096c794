"""What a call asks of the feed: which events, and behind which place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement

from domain.errors import BadQuery
from domain.event_cursors.queries import find_cursor
from domain.events.catalogue import PATTERNS, types_of
from domain.events.feed import check_kept, start_of
from domain.events.models import events
from domain.events.positions import Extent
from domain.list_spec import ListSpec
from domain.listing import parse

from ...call import Call


@dataclass(frozen=True, slots=True)
class Wanted:
    """A query of the feed, read.

    Attributes:
        after: a cursor, or `end`; None where the call names none.
        cursor_name: of the cursor that the key keeps; None where the call names none.
    """

    conditions: Sequence[ColumnElement[bool]]
    limit: int
    after: str | None
    cursor_name: str | None

    @classmethod
    def of(cls, call: Call, spec: ListSpec) -> Wanted:
        """Read the query.

        Raises:
            BadQuery: an unknown parameter, or a value out of range.
        """
        query, single = parse(spec, call.query), dict(call.query)
        after, name = single.get("after"), single.get("cursor_name")
        if after and name:
            raise BadQuery("cursor_name", "Give `after` or `cursor_name`, not both.")
        conditions = [*query.conditions, *_of_types(single.get("types"))]
        return cls(conditions, query.limit, after or None, name or None)

    def start(self, call: Call, extent: Extent) -> int:
        """The place behind which to read.

        Raises:
            BadQuery: it is no cursor, or the key keeps none of this name.
            Gone: what follows is not kept any more.
        """
        if self.cursor_name is None:
            return start_of(extent, self.after)
        row = find_cursor(call.session, call.actor.id, self.cursor_name)
        if row is None:
            told = f"This key keeps no cursor {self.cursor_name[:64]!r}: PUT /event-cursors/<name> keeps one."
            raise BadQuery("cursor_name", told)
        position = int(row["position"])
        check_kept(extent, position)
        return position


def _of_types(text: str | None) -> list[ColumnElement[bool]]:
    """The condition of `types`, whose patterns mean what they mean in a webhook."""
    if not text:
        return []
    patterns = text.split(",")
    unknown = [pattern for pattern in patterns if pattern not in PATTERNS]
    if unknown:
        allowed = ", ".join(f"`{pattern}`" for pattern in PATTERNS)
        raise BadQuery("types", f"There is no event type {unknown[0][:60]!r}; there are {allowed}, comma-separated.")
    return [events.c.type.in_(types_of(patterns))]
