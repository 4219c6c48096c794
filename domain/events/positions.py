"""Places in the feed: given to committed events only, in one step after another, so that nothing comes in behind.

`seq` is taken early and may be committed late: who read on behind the last `seq` they saw would miss what was slower. A
place is given once, to what is committed by then, and is higher than all before: who read up to a place miss nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, func, select, update

from ..db import Database, Session, add_up
from ..grouping import Grouped
from .models import FEED_ROW, UNPLACED, event_feed, events

MOST_AT_ONCE = 5000
MOST_STEPS = 4  # of a look: what was written before there was a feed is put into it by the sweeper, a part each second
RECENT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Extent:
    """How far the feed goes.

    Attributes:
        first: the highest place of what is not kept any more: behind it everything is there.
        last: the highest place that was given.
    """

    first: int
    last: int


class Feed:
    """Gives places, and says how far they go. Callers who come at the same time share the look and the work.

    Args:
        database: of the events.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._looks: Grouped[None, Extent] = Grouped(self._look)
        self._last: tuple[Extent, float] | None = None

    def extent(self, *, fresh: bool = True) -> Extent:
        """Once everything that is committed by now has its place. One statement when it had; no session may be open.

        Args:
            fresh: or else what was seen a second ago will do.
        """
        last = self._last
        if not fresh and last is not None and time.monotonic() - last[1] < RECENT_SECONDS:
            return last[0]
        return self._looks.run(None)

    def _look(self, asking: Sequence[None]) -> Sequence[Extent]:
        began = time.monotonic()
        with self._database.reading() as session:
            first, last, behind = session.execute(_EXTENT).one()
        extent = Extent(first or 0, last or 0)
        for _ in range(MOST_STEPS if behind else 0):
            with self._database.transaction() as session:
                extent, behind = give_places(session)
            if not behind:
                break
        self._last = extent, began
        return [extent] * len(asking)


def _of_feed(name: str) -> Any:
    return select(event_feed.c[name]).where(event_feed.c.name == FEED_ROW).scalar_subquery()


PRUNED = _of_feed("pruned")
_EXTENT = select(PRUNED, _of_feed("last"), exists(select(events.c.seq).where(UNPLACED)))


def give_places(session: Session, most: int = MOST_AT_ONCE) -> tuple[Extent, bool]:
    """Give the events without a place theirs, in the order of `seq`, in three statements.

    Returns:
        How far the feed goes then, and whether there are more.
    """
    _lock(session)
    # Another statement than the one that waited for the lock: it sees what those who had it committed.
    pruned, last = session.execute(select(event_feed.c.pruned, event_feed.c.last)).one()
    number = func.row_number().over(order_by=events.c.seq).label("number")
    chosen = select(events.c.seq, number).where(UNPLACED).order_by(events.c.seq).limit(most).subquery()
    placed = update(events).where(events.c.seq == chosen.c.seq).values(position=last + chosen.c.number)
    count = session.execute(placed).rowcount
    if count:
        session.execute(update(event_feed).values(last=last + count))
    return Extent(pruned, last + count), count == most


def note_pruned(session: Session, positions: Sequence[int | None]) -> None:
    """Remember that these are not kept any more."""
    highest = max((position for position in positions if position is not None), default=0)
    if highest:
        _lock(session)
        behind = event_feed.c.pruned < highest
        session.execute(update(event_feed).where(behind).values(pruned=highest))


def _lock(session: Session) -> None:
    """Hold the feed's one row, which is made when it is first needed, until the transaction ends."""
    add_up(session, event_feed, ["name"], [{"name": FEED_ROW, "last": 0, "pruned": 0}])
