"""A trail with seals: rows to write, a sealer whose clock the test moves, and a verification of it all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from domain.audit.commands import AuditEntry, write_entry
from domain.audit.models import api_audit_log
from domain.crypto import Keyring
from domain.db import Database
from domain.ids import id_at
from domain.seals.checkpoints import Checkpoint, CheckpointFile, parse
from domain.seals.models import audit_sealed_rows, audit_seals
from domain.seals.verification import Finding, Tally, Verification
from jobs.sealing import Sealing
from tests.factories import KEYRING
from tests.support.clock import NOON, StoppedClock

_numbers = itertools.count(1)
SOON = timedelta(minutes=2)  # when what was sealed now ought to be everywhere


class Trail:
    """See the module. Rows are a second apart, and the clock goes along."""

    def __init__(self, database: Database, home: Path) -> None:
        self.database = database
        self.clock = StoppedClock()
        self.home = home
        self.file = CheckpointFile.in_home(home)
        self.sealing = self.sealer()
        self.tally = Tally()

    def sealer(self, keyring: Keyring = KEYRING) -> Sealing:
        return Sealing(self.database, keyring, self.clock, self.home)

    def write(
        self, count: int = 1, at: datetime | None = None, made: datetime | None = None, **fields: Any
    ) -> list[str]:
        """Rows in one transaction; their ids. `made`: when the call ended, at its own time when absent."""
        ids = []
        with self.database.transaction() as session:
            for number in range(count):
                moment = at or self.clock.advance(seconds=1)
                known = {"source": "api", "method": "GET", "route": "/scenes/{id}", "path": f"/scenes/{number}"}
                plain = {"status_code": 200, "duration_ms": 1.5, "params": {"query": {"n": number}}, "ip": "10.1.2.3"}
                row_id = id_at("aud", made or moment)[:-8] + f"{next(_numbers):08x}"
                entry = AuditEntry(id=row_id, at=moment, **{**known, **plain, **fields})
                write_entry(session, entry)
                ids.append(entry.id)
        return ids

    def seal(self, *counts: int) -> None:
        """A seal for each of these numbers of rows, or one for what there is."""
        for count in counts:
            self.write(count)
            self.sealing.round()
        if not counts:
            self.sealing.round()

    def verify(
        self, lines: Iterator[str] | None = None, since: datetime | None = None, later: timedelta = SOON
    ) -> list[Finding]:
        """A while later, when nothing may be missing any more."""
        made = Verification(self.database, KEYRING, self.clock.now + later, lines or self.lines(), since)
        self.tally = made.tally
        return list(made.run())

    def lines(self) -> Iterator[str]:
        return self.file.lines() if self.file.path.exists() else iter(())

    def seals(self) -> list[Checkpoint]:
        with self.database.reading() as session:
            lines = session.execute(select(audit_seals.c.checkpoint).order_by(audit_seals.c.seal)).scalars()
            return [parse(line) for line in lines]

    def sealed(self) -> list[str]:
        """Ids by their places."""
        with self.database.reading() as session:
            chosen = select(audit_sealed_rows.c.row_id).order_by(audit_sealed_rows.c.sequence)
            return list(session.execute(chosen).scalars())

    def ids(self) -> list[str]:
        with self.database.reading() as session:
            return list(session.execute(select(api_audit_log.c.id).order_by(api_audit_log.c.at)).scalars())


__all__ = ["NOON", "Trail"]
