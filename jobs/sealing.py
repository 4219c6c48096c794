"""Sealing the audit trail: what was committed since the last seal gets a place in the chain within seconds.

First the table, then the file: a seal that was committed is the installation's word, and a file that lags behind is
completed from the table by whoever seals next. Every host that seals keeps a whole file of its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from domain.clock import Clock
from domain.crypto import Keyring
from domain.db import Database, Session
from domain.seals.checkpoints import Appender, Checkpoint, CheckpointFile, Kind, parse
from domain.seals.commands import seal_rows
from domain.seals.queries import (
    OVERLAP,
    checkpoints_after,
    last_checkpoint,
    leaves_of,
    line_of,
    those_until,
    time_of,
    unsealed_before,
    unsealed_since,
)

MOST_ROWS = 1000
# One step of the walk takes milliseconds; at 10,000,000 rows it has been everywhere in an hour and a half.
WALK_ROWS = 2000
# A round leaves the rest of a large backlog to the next one: the sweeper has more to do.
ROUND_SECONDS = 1.0
# Without calls, too, the chain says from time to time that nothing came.
QUIET = timedelta(hours=1)
# A row that shows up so long after its time was sealed came from no transaction: it is sealed, and said to be late.
LATE = timedelta(minutes=10)
LINES_AT_ONCE = 500

log = logging.getLogger("callsheet.seals")


class CheckpointsDisagree(Exception):
    """The file holds a checkpoint that the table does not: one of them has been changed, or the database restored."""


class BrokenChain(Exception):
    """The newest seal in the table is none of ours: nothing can be chained to it."""


class Sealing:
    """Makes the seals of one installation. Any number may run at once; one of them makes each seal."""

    def __init__(self, database: Database, keyring: Keyring, clock: Clock, home: Path) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._file = CheckpointFile.in_home(home)
        self._walked_to: str | None = None

    def round(self) -> int:
        """Seal what has come, walk one step through the trail for what was missed, complete the file. Rows sealed.

        Raises:
            BrokenChain: see there; nothing is sealed until the table has its line from the file again.
            CheckpointsDisagree: see there; rows are sealed nevertheless.
            OSError: the file cannot be written; rows are sealed nevertheless.
        """
        stop_at, count = time.monotonic() + ROUND_SECONDS, 0
        while (made := self._seal_new()) is not None:
            count += made.count
            if made.count < MOST_ROWS or time.monotonic() > stop_at:
                break
        count += self._seal_missed()
        self._complete_file()
        return count

    def _seal_new(self) -> Checkpoint | None:
        """Seal the oldest rows since the last seal."""
        now = self._clock()
        with self._database.reading() as session:
            last = self._last(session)
            # Not from a `until` that a wrong clock has put in the future.
            since = None if last is None else min(last.until, now) - OVERLAP
            found = unsealed_since(session, since, MOST_ROWS)
            leaves = leaves_of(session, found)
            reached = time_of(session, found[-1]) if len(found) == MOST_ROWS else None
        if not leaves and last is not None and last.until > now - QUIET:
            return None
        return self._seal(last, found, leaves, until=min(now, reached or now))

    def _seal_missed(self) -> int:
        """Seal rows that were committed behind the overlap: `until` is what it was."""
        with self._database.reading() as session:
            last = self._last(session)
            found, self._walked_to = unsealed_before(session, self._walked_to, WALK_ROWS)
            if last is None or not found:
                return 0
            since = min(last.until, self._clock()) - OVERLAP
            missed = those_until(session, found, since)  # the others are the next round's
            late = those_until(session, found, since - LATE)
            leaves = leaves_of(session, [row_id for row_id in found if row_id in missed])
        if missed:
            log.warning("%s rows of the audit were committed long after their time", len(missed))
        count = 0
        for kind, chosen in ((Kind.SEALED, missed - late), (Kind.LATE, late)):
            ids = [row_id for row_id in reversed(found) if row_id in chosen]
            made = self._seal(last, ids, leaves, kind, until=last.until) if ids else None
            last, count = made or last, count + (made.count if made else 0)
        return count

    def _last(self, session: Session) -> Checkpoint | None:
        try:
            last = last_checkpoint(session)
        except ValueError:
            raise BrokenChain("The newest line in audit_seals is not one that a sealer wrote.") from None
        if last is not None and not last.is_signed(self._keyring):
            raise BrokenChain(f"Seal {last.seal}, the newest in audit_seals, is not signed by this installation.")
        return last

    def _seal(
        self,
        last: Checkpoint | None,
        row_ids: Sequence[str],
        leaves: dict[str, bytes],
        kind: Kind = Kind.SEALED,
        *,
        until: datetime,
    ) -> Checkpoint | None:
        readable = {row_id: leaves[row_id] for row_id in row_ids if row_id in leaves}
        if len(readable) < len(row_ids):
            log.error("%s rows of the audit cannot be read and stay unsealed", len(row_ids) - len(readable))
        moment = until.replace(microsecond=until.microsecond // 1000 * 1000)
        with self._database.transaction() as session:
            return seal_rows(session, self._keyring, last, readable, kind=kind, until=moment, now=self._clock())

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


def _seal_of(file: Appender) -> int:
    try:
        return parse(file.last_line or "").seal
    except ValueError:
        return 0
