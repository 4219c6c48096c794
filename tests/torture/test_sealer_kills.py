"""A sealer that is killed at any moment leaves a chain that the next one goes on with."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from config import ROOT
from domain.audit.commands import AuditEntry, write_entry
from domain.audit.models import api_audit_log
from domain.clock import system_clock
from domain.db import Database
from domain.seals.checkpoints import CheckpointFile
from domain.seals.models import audit_sealed_rows
from domain.seals.verification import Finding, Verification
from jobs.sealing import Sealing
from tests.factories import KEYRING, SECRET
from tests.support.processes import environment
from tests.support.waiting import wait_until

pytestmark = pytest.mark.torture
KILLS = 40
# Seals as fast as it can: most of its life is between two statements of a seal.
SEALER = (
    "import sys; from pathlib import Path; from domain.clock import system_clock; from domain.db import Database;"
    "from domain.crypto import Keyring; from jobs import sealing; sealing.MOST_ROWS = 3;"
    "made = sealing.Sealing(Database(sys.argv[1], 2), Keyring(sys.argv[2].encode()), system_clock, Path(sys.argv[3]));"
    "print('ready', flush=True)\nwhile True: made.round()"
)


def count(database: Database) -> int:
    with database.reading() as session:
        return int(session.execute(select(func.count()).select_from(audit_sealed_rows)).scalar_one())


def write(database: Database, rows: int) -> None:
    with database.transaction() as session:
        for _ in range(rows):
            write_entry(session, AuditEntry(at=system_clock(), source="api", path="/scenes"))


def verify(database: Database, file: CheckpointFile) -> list[Finding]:
    return list(Verification(database, KEYRING, system_clock(), file.lines()).run())


def test_the_chain_outlives_every_kill(database: Database, database_url: str, home: Path) -> None:
    draw, file, written = random.Random(7), CheckpointFile.in_home(home), 0
    for _ in range(KILLS):
        write(database, 200)
        written += 200
        before = count(database)
        command = [sys.executable, "-c", SEALER, database_url, SECRET, str(home)]
        with subprocess.Popen(command, cwd=ROOT, env=environment(home), stdout=subprocess.PIPE) as sealer:
            assert sealer.stdout is not None
            assert sealer.stdout.readline() == b"ready\n"
            wait_until(lambda seen=before: count(database) > seen, 20, "nothing is sealed")  # type: ignore[misc]
            time.sleep(draw.random() * 0.05)  # the moment of the kill, not a wait for something
            sealer.kill()
    made = Sealing(database, KEYRING, system_clock, home)
    wait_until(lambda: made.round() == 0, 60, "there is always more to seal")
    with database.reading() as session:
        assert session.execute(select(func.count()).select_from(api_audit_log)).scalar_one() == written
    assert count(database) == written
    assert verify(database, file) == []
