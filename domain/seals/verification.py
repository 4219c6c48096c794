"""Verifying the audit trail: the chain of seals, the file outside the database, every row, and what is in no seal.

Memory stays constant: a seal at a time. Every statement stands alone, so that sealing and pruning go on meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..crypto import Keyring
from ..db import Database, Session
from .checkpoints import NO_HEAD, Checkpoint, Kind, parse
from .file_comparison import FileComparison
from .merkle import root_of
from .queries import (
    OVERLAP,
    UNREADABLE,
    Place,
    checkpoints_after,
    first_seal_since,
    leaves_of,
    line_of,
    places_between,
    places_past,
    places_pruned_by,
    unsealed_between,
)

SEALS_AT_ONCE = 100
ROWS_AT_ONCE = 2000
MOST_GAPS = 100
NO_SEAL = "It is in no seal: inserted after its time had been sealed, or no sealer has come for it."
# How far a file may lag behind the table, and a row behind its call, while everything works.
PATIENCE = timedelta(seconds=60)
# Rows that no sealer has come for.
UNSEALED_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was sealed.

    Attributes:
        what: a stable word.
        where: the seal, or the row's id, or both.
        message: a sentence for an admin.
    """

    what: str
    where: str
    message: str


@dataclass(slots=True)
class Tally:
    """How far the verification has come."""

    seals: int = 0
    rows: int = 0
    pruned: int = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)

    def note_pruning(self, seal: Checkpoint) -> None:
        """Count it; prunings that touch are one gap, and of many gaps the first are kept."""
        self.pruned += seal.count
        first, last = seal.first, seal.last
        touching = [gap for gap in self.gaps if gap[0] <= last + 1 and first <= gap[1] + 1]
        if touching or len(self.gaps) < MOST_GAPS:
            apart = [gap for gap in self.gaps if gap not in touching]
            whole = [*touching, (first, last)]
            self.gaps = sorted([*apart, (min(gap[0] for gap in whole), max(gap[1] for gap in whole))])


@dataclass
class Verification:
    """One run over the trail.

    Args:
        lines: of the checkpoint file, in order; None when there is none to compare with.
        since: leave out rows that were sealed before.
        progress: told after each hundred seals.
        pause: called once before a row is said to be in no seal; gives the sealer time for one that has just come.
    """

    database: Database
    keyring: Keyring
    now: datetime
    lines: Iterator[str]
    since: datetime | None = None
    progress: Callable[[Tally], None] = lambda _: None
    pause: Callable[[], None] = lambda: None
    tally: Tally = field(default_factory=Tally)
    _last: Checkpoint | None = None
    _known_prunings: set[int] = field(default_factory=set)

    def run(self) -> Iterator[Finding]:
        """Every finding, as it is found."""
        with self.database.reading() as session:
            for check in (self._check_seals, self._check_past_the_end, self._check_unsealed):
                try:
                    yield from check(session)
                except (TypeError, *UNREADABLE):
                    yield Finding("unreadable", "the tables of seals", "They hold what no sealer wrote.")

    def _check_seals(self, session: Session) -> Iterator[Finding]:
        seal = self._begin(session)
        file = FileComparison(self.lines, seal, self.now - PATIENCE)
        while found := checkpoints_after(session, seal, SEALS_AT_ONCE):
            for number, line in found:
                yield from self._named(file.compare(number, line))
                yield from self._check_seal(session, seal + 1, number, line)
                seal = number
            self.progress(self.tally)
        yield from self._named(file.rest(lambda number: line_of(session, number)))

    @staticmethod
    def _named(messages: Iterator[tuple[str, str]]) -> Iterator[Finding]:
        return (Finding("checkpoints", where, message) for where, message in messages)

    def _begin(self, session: Session) -> int:
        """The number of the seal before the first to check."""
        if self.since is None:
            return 0
        before = first_seal_since(session, self.since) - 1
        try:
            self._last = parse(line_of(session, before) or "")
        except ValueError:
            return 0
        return before

    def _check_seal(self, session: Session, expected: int, number: int, line: str) -> Iterator[Finding]:
        where, last = f"seal {number}", self._last
        if number != expected:
            yield Finding("seal_missing", f"seal {expected}", f"Seals {expected} to {number - 1} are gone.")
        try:
            made = parse(line)
        except ValueError:
            yield Finding("seal_changed", where, "Its checkpoint is not one that the sealer wrote.")
            return
        if made.seal != number or not made.is_signed(self.keyring):
            yield Finding("seal_changed", where, "Its signature is not of this installation's key.")
            return
        if number == expected and not _follows(last, made):
            yield Finding("seal_changed", where, "It does not follow the seal before it.")
        self._last = made
        self.tally.seals += 1
        try:
            yield from self._check_rows(session, made)
        except (TypeError, *UNREADABLE):
            yield Finding("place_changed", where, "The places of its rows hold what no sealer wrote.")

    def _check_rows(self, session: Session, seal: Checkpoint) -> Iterator[Finding]:
        if seal.kind == Kind.PRUNED:
            yield from _check_places(seal, places_pruned_by(session, seal.seal, seal.count + 1))
            self.tally.note_pruning(seal)
            return
        places = places_between(session, seal.first, seal.last)
        leaves = leaves_of(session, [place.row_id for place in places])
        if any(place.pruned_by is None and place.row_id not in leaves for place in places):
            places = places_between(session, seal.first, seal.last)  # they may have been pruned in between
        yield from _check_places(seal, places)
        yield from self._check_prunings(session, seal, places)
        for place in places:
            yield from _check_row(seal, place, leaves)
        self.tally.rows += len(places)

    def _check_prunings(self, session: Session, seal: Checkpoint, places: Sequence[Place]) -> Iterator[Finding]:
        """A row may only be missing on the word of a seal that records its pruning, which is checked in its turn."""
        for number in {place.pruned_by for place in places if place.pruned_by is not None} - self._known_prunings:
            try:
                recorded = parse(line_of(session, number) or "").kind == Kind.PRUNED
            except ValueError:
                recorded = False
            if not recorded:
                yield Finding(
                    "deleted", f"seal {seal.seal}", f"Rows are said to be pruned by seal {number}: it is none."
                )
            elif len(self._known_prunings) < ROWS_AT_ONCE:
                self._known_prunings.add(number)

    def _check_past_the_end(self, session: Session) -> Iterator[Finding]:
        """Places that no seal speaks of; those of a seal that was made meanwhile are its own."""
        size = 0 if self._last is None else self._last.size
        past = places_past(session, size)
        if past is not None and not checkpoints_after(session, self._last.seal if self._last else 0, 1):
            yield Finding(
                "place_added", f"row {past.row_id}", f"It has the place {past.sequence}, which no seal gave it."
            )

    def _check_unsealed(self, session: Session) -> Iterator[Finding]:
        """Rows of a time that was sealed, or that a sealer ought to have come for, which are in no seal."""
        ends = self.now - UNSEALED_FOR
        if self._last is not None:
            ends = max(ends, min(self._last.until, self.now) - OVERLAP)
        place: str | None = None
        paused = False
        while True:
            rows, following = unsealed_between(session, self.since, ends, place, ROWS_AT_ONCE)
            if rows and not paused:
                self.pause()
                paused = True
                continue
            place = following
            for row_id in rows:
                yield Finding("inserted", f"row {row_id}", NO_SEAL)
            if place is None:
                return


def _follows(last: Checkpoint | None, made: Checkpoint) -> bool:
    head, size = (NO_HEAD, 0) if last is None else (last.head, last.size)
    if made.previous != head:
        return False
    if made.kind == Kind.PRUNED:
        return made.size == size
    return (made.first, made.last, made.size) == (size + 1, size + made.count, size + made.count)


def _check_places(seal: Checkpoint, places: Sequence[Place]) -> Iterator[Finding]:
    """Whether these are the places, with the leaves, that the root was made of."""
    where = f"seal {seal.seal}"
    if seal.kind != Kind.PRUNED and len(places) < seal.count:
        there = {place.sequence for place in places}
        gone = [number for number in range(seal.first, seal.last + 1) if number not in there]
        yield Finding("place_missing", where, f"{len(gone)} of its rows have lost their place, the first is {gone[0]}.")
    elif root_of([place.leaf for place in places]).hex() != seal.root:
        told = "records another set of pruned rows" if seal.kind == Kind.PRUNED else "has other leaves than were sealed"
        yield Finding("place_changed", where, f"It {told}: rows {seal.first} to {seal.last} are in doubt.")


def _check_row(seal: Checkpoint, place: Place, leaves: Mapping[str, bytes]) -> Iterator[Finding]:
    where = f"seal {seal.seal}, row {place.row_id}"
    current = leaves.get(place.row_id)
    if place.pruned_by is not None:
        if current is not None:
            yield Finding("inserted", where, "It was pruned, and is there again.")
    elif current is None:
        yield Finding("deleted", where, "It is gone, and no pruning is recorded; or it cannot be read.")
    elif current != place.leaf:
        yield Finding("changed", where, "It is not what was sealed.")
    if seal.kind == Kind.LATE:
        yield Finding("late", where, "It was written after its time had been sealed: an insertion, or a wrong clock.")
