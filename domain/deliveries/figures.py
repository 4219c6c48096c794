"""Counts of attempts since the beginning, of all workers together: by outcome, and by how long they took."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select

from ..db import Session, add_up
from .models import delivery_figures

# Upper bounds of the histogram, in milliseconds; an attempt may take 20 seconds in all.
BOUNDS = (25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 20_000)
SHARDS = 8
_OUTCOME, _BUCKET, _MILLISECONDS = "outcome:", "bucket:", "milliseconds"


def note_figures(session: Session, outcomes: Iterable[tuple[str, int]]) -> None:
    """Add a batch of attempts: what became of each, a status of deliveries, and the milliseconds it took.

    One statement, of some ten rows however large the batch. Last in its transaction: it locks these rows until the
    end, and another worker that has the same shard waits for them.
    """
    added: Counter[str] = Counter()
    for word, milliseconds in outcomes:
        place = bisect_left(BOUNDS, milliseconds)
        added[_OUTCOME + word] += 1
        added[_BUCKET + str(BOUNDS[place] if place < len(BOUNDS) else "inf")] += 1
        added[_MILLISECONDS] += milliseconds
    if added:
        shard = os.getpid() % SHARDS
        # In one order for all, so that no two can wait for each other.
        rows = [{"shard": shard, "name": name, "value": added[name]} for name in sorted(added)]
        add_up(session, delivery_figures, ("shard", "name"), rows)


@dataclass(frozen=True, slots=True)
class AttemptFigures:
    """What was counted.

    Attributes:
        by_outcome: attempts; `pending` are those that failed and are tried again.
        at_most: attempts that took as many milliseconds as its key or fewer, in its order; None: any.
        milliseconds: that all of them took together.
    """

    by_outcome: dict[str, int]
    at_most: dict[int | None, int]
    milliseconds: int


def attempt_figures(session: Session) -> AttemptFigures:
    """Read the counts: one statement over some hundred rows."""
    table = delivery_figures
    summed = select(table.c.name, func.sum(table.c.value)).group_by(table.c.name)
    found = {row[0]: int(row[1]) for row in session.execute(summed)}
    at_most: dict[int | None, int] = {}
    total = 0
    for bound in (*BOUNDS, None):
        total += found.get(_BUCKET + str(bound or "inf"), 0)
        at_most[bound] = total
    outcomes = {name: count for name, count in found.items() if name.startswith(_OUTCOME)}
    by_outcome = {name.removeprefix(_OUTCOME): count for name, count in sorted(outcomes.items())}
    return AttemptFigures(by_outcome, at_most, found.get(_MILLISECONDS, 0))
