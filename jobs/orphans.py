"""Removing blobs that nothing names, from a store that is this installation's and no other's."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from domain.artifacts.commands import unnamed_blobs
from domain.artifacts.store import ArtifactStore
from domain.clock import Clock
from domain.db import Database
from domain.operations.commands import installation_id

# Tells in the store whose it is: blobs that this database does not name may be those that another one does.
MARKER = ".callsheet-installation"
# A blob without an artifact may be one whose transaction has not committed yet: uploads take hours at the most.
ORPHANED = timedelta(days=1)
FOREVER = datetime.max.replace(tzinfo=UTC)
AT_ONCE = 500

log = logging.getLogger("callsheet.sweeper")


class Orphans:
    """The blobs of a store that no artifact has."""

    def __init__(self, database: Database, store: ArtifactStore, clock: Clock) -> None:
        self._database, self._store, self._clock = database, store, clock
        self._has_warned = False

    def remove(self) -> int:
        """Remove those that are older than a day; how many. None of a store that may be another installation's.

        Raises:
            StoreUnavailable: the store cannot be used.
        """
        if not self._is_ours():
            return 0
        removed = 0
        for _, unnamed in self._compared(self._clock() - ORPHANED):
            for name in unnamed:
                self._store.delete(name)
            removed += len(unnamed)
        return removed

    def _is_ours(self) -> bool:
        with self._database.transaction() as session:
            own = installation_id(session)
        owner = self._owner()
        if owner is None and self._may_be_claimed():
            self._store.write(MARKER, [own.encode()])
            return False  # another one may write its own at this moment: the next look tells whose it is
        if owner != own and not self._has_warned:
            log.warning(
                "Nothing is removed from CALLSHEET_ARTIFACTS: it is another installation's store, or this database "
                'knows none of its files. See docs/operations.md, "One store for one installation".'
            )
        self._has_warned = owner != own
        return owner == own

    def _owner(self) -> str | None:
        try:
            return b"".join(self._store.read(MARKER)).decode(errors="replace")
        except FileNotFoundError:
            return None

    def _may_be_claimed(self) -> bool:
        """Whether it has no blobs, or one that an artifact of ours has."""
        is_empty = True
        for names, unnamed in self._compared(FOREVER):
            if len(unnamed) < len(names):
                return True
            is_empty = False
        return is_empty

    def _compared(self, moment: datetime) -> Iterator[tuple[list[str], list[str]]]:
        """What is older, some names at a time, and those among them that no artifact has."""
        old = self._store.older_than(moment)
        while names := list(itertools.islice(old, AT_ONCE)):
            with self._database.reading() as session:
                unnamed = unnamed_blobs(session, names)
            yield names, unnamed
