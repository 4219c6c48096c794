"""Sealing the audit trail: what was committed since the last seal gets a place in the chain within seconds.

First the table, then the file: a seal that was committed is the installation's word, and a file that lags behind is
completed from the table by whoever seals next. Every host that seals keeps a whole file of its own.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from domain.clock import Clock
from domain.crypto import Keyring
from domain.db import Database, Session
from domain.ids import id_at, made_at
from domain.seals.checkpoints import Appender, Checkpoint, CheckpointFile, Kind, parse
from domain.seals.commands import seal_rows
from domain.seals.queries import (
    OVERLAP,
    checkpoints_after,
    last_checkpoint,
    leaves_of,
    line_of,
    those_until,
    unsealed_before,
    unsealed_since,
)

MOST_ROWS = 1000
# A step of the walk takes milliseconds; at 10,000,000 rows it has been everywhere in three hours.
WALK_ROWS = 2000
# A round leaves the rest of a large backlog to the next one: the sweeper has more to do.
ROUND_SECONDS = 1.0
# Without calls, too, the chain says from time to time that nothing came.
QUIET = timedelta(hours=1)
# A row that shows up so long after its time was sealed came from no call: it is sealed, and said to be late.
LATE = timedelta(hours=1)
LINES_AT_ONCE = 500

log = logging.getLogger("callsheet.seals")


class CheckpointsDisagree(Exception):
    """The file holds a checkpoint that the table does not: one of them has been changed, or the database restored."""


class BrokenChain(Exception):
    """The newest seal in the table is none of ours: nothing can be chained to it."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows to seal, by id, and which of them are late."""

    leaves: dict[str, bytes]
    late: set[str]

    def by_kind(self) -> Iterator[tuple[Kind, dict[str, bytes]]]:
        """What goes into seals of each kind; nothing at all is a seal as well."""
        in_time = {row_id: leaf for row_id, leaf in self.leaves.items() if row_id not in self.late}
        if in_time or not self.late:
            yield Kind.SEALED, in_time
        if len(in_time) < len(self.leaves):
            yield Kind.LATE, {row_id: self.leaves[row_id] for row_id in self.leaves if row_id in self.late}


class Sealing:
    """Makes the seals of one installation. Any number may run at once; one of them makes each seal."""

    def __init__(self, database: Database, keyring: Keyring, clock: Clock, home: Path) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._file = CheckpointFile.in_home(home)
        # How far back each walk goes (None: to the oldest row), and the id it has come to.
        self._reaches = itertools.cycle((LATE, None))
        self._places: dict[timedelta | None, str | None] = {}

    def round(self) -> int:
        """Seal what has come, walk a step through the trail for what was missed, complete the file. Rows sealed.

        Raises:
            BrokenChain: see there; nothing is sealed until the table has its line from the file again.
            CheckpointsDisagree: see there; rows are sealed nevertheless.
            OSError: the file cannot be written; rows are sealed nevertheless.
        """
        stop_at, count = time.monotonic() + ROUND_SECONDS, 0
        while sealed := self._seal_new():
            count += sealed
            if sealed < MOST_ROWS or time.monotonic() > stop_at:
                break
        count += self._seal_missed()
        self._complete_file()
        return count

    def _seal_new(self) -> int:
        """Seal the oldest rows since the last seal."""
        now = self._clock()
        with self._database.reading() as session:
            last = self._last(session)
            # Not from a `until` that a wrong clock has put in the future.
            since = None if last is None else min(last.until, now) - OVERLAP
            found = unsealed_since(session, since, MOST_ROWS)
            batch = self._batch(session, found, since)
        if not batch.leaves and last is not None and last.until > now - QUIET:
            return 0
        return self._seal(last, batch, min(now, _made_at(found[-1]) or now) if len(found) == MOST_ROWS else now)

    def _seal_missed(self) -> int:
        """Seal rows that were committed behind the overlap: `until` is what it was.

        Every other step is of the last hour alone, where most of them are; the others go on to the oldest row.
        """
        now, reach = self._clock(), next(self._reaches)
        with self._database.reading() as session:
            last = self._last(session)
            found, place = unsealed_before(session, self._places.get(reach), WALK_ROWS)
            self._places[reach] = None if reach and place and place < id_at("aud", now - reach) else place
            if last is None or not found:
                return 0
            since = min(last.until, now) - OVERLAP
            # Newer ones are the next round's.
            batch = self._batch(session, [one for one in reversed(found) if one <= id_at("aud", since)], since)
        if not batch.leaves:
            return 0
        log.warning("%s rows of the audit were committed long after their time", len(batch.leaves))
        return self._seal(last, batch, last.until)

    def _batch(self, session: Session, row_ids: Sequence[str], since: datetime | None) -> _Batch:
        late = set() if since is None else those_until(session, row_ids, since - LATE)
        leaves = leaves_of(session, row_ids)
        if len(leaves) < len(row_ids):
            log.error("%s rows of the audit cannot be read and stay unsealed", len(row_ids) - len(leaves))
        return _Batch({row_id: leaves[row_id] for row_id in row_ids if row_id in leaves}, late)

    def _seal(self, last: Checkpoint | None, batch: _Batch, until: datetime) -> int:
        """One seal, and one more for those that are late. How many rows they hold."""
        moment = until.replace(microsecond=until.microsecond // 1000 * 1000)
        count = 0
        for kind, leaves in batch.by_kind():
            with self._database.transaction() as session:
                made = seal_rows(session, self._keyring, last, leaves, kind=kind, until=moment, now=self._clock())
            if made is None:
                break
            last, count = made, count + made.count
        return count

    def _last(self, session: Session) -> Checkpoint | None:
        try:
            last = last_checkpoint(session)
        except ValueError:
            raise BrokenChain("The newest line in audit_seals is not one that a sealer wrote.") from None
        if last is not None and not last.is_signed(self._keyring):
            raise BrokenChain(f"Seal {last.seal}, the newest in audit_seals, is not signed by this installation.")
        return last

    def _complete_file(self) -> None:
        """Append every seal that the file lacks."""
        with self._file.appending() as file, self._database.reading() as session:
            seal = 0
            if file.last_line is not None:
                seal = _seal_of(file)
                if line_of(session, seal) != file.last_line:
                    raise CheckpointsDisagree(
                        f"{self._file.path} ends with a seal {seal} that the database does not have: nothing is"
                        " appended to it. Run `audit verify`; to begin a new file, move this one away and keep it."
                    )
            while lines := checkpoints_after(session, seal, LINES_AT_ONCE):
                file.append(line for _, line in lines)
                seal = lines[-1][0]


def _made_at(row_id: str) -> datetime | None:
    """None for an id that somebody else made."""
    try:
        return made_at(row_id)
    except (ValueError, AttributeError):
        return None


def _seal_of(file: Appender) -> int:
    try:
        return parse(file.last_line or "").seal
    except ValueError:
        return 0
