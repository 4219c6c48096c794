"""`flask --app wsgi audit verify`, as an operator runs it."""

from __future__ import annotations

import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from sqlalchemy import delete, select, update

from domain.audit.commands import AuditEntry, write_entry
from domain.audit.models import api_audit_log
from domain.clock import system_clock
from domain.crypto import Keyring
from domain.db import Database
from domain.seals.models import audit_seals
from jobs.sealing import Sealing
from tests.factories import SECRET
from tests.support.processes import run


class Installation:
    """A database with sealed rows, and the command line over it."""

    def __init__(self, database: Database, url: str, home: Path) -> None:
        self.database = database
        self._url = url
        self._home = home
        self._sealing = Sealing(database, Keyring(SECRET.encode()), system_clock, home)

    def seal(self, count: int) -> list[str]:
        entries = [AuditEntry(at=system_clock(), source="api", path="/scenes") for _ in range(count)]
        with self.database.transaction() as session:
            for entry in entries:
                write_entry(session, entry)
        self._sealing.round()
        return [entry.id for entry in entries]

    def verify(self, *options: str) -> CompletedProcess[str]:
        command = (sys.executable, "-m", "flask", "--app", "wsgi", "audit", "verify", *options)
        settings = {"DATABASE_URL": self._url, "CALLSHEET_SECRET_KEY": SECRET, "REDIS_URL": "redis://127.0.0.1:9/0"}
        return run(self._home, *command, **settings)


@pytest.fixture
def installed(database: Database, database_url: str, home: Path) -> Installation:
    return Installation(database, database_url, home)


def test_it_works(installed: Installation) -> None:
    installed.seal(3)
    result = installed.verify()
    assert (result.returncode, result.stdout) == (0, "Checked: rows 3 (pruned 0), seals 1. Findings: none.\n"), (
        result.stderr
    )
    with installed.database.reading() as session:
        actions = session.execute(select(api_audit_log.c.action)).scalars().all()
    assert "audit.verify" in actions


def test_it_names_what_it_found(installed: Installation) -> None:
    row_id = installed.seal(3)[1]
    with installed.database.transaction() as session:
        session.execute(update(api_audit_log).where(api_audit_log.c.id == row_id).values(path="/elsewhere"))
    result = installed.verify()
    assert result.returncode == 1
    assert result.stdout.splitlines() == [
        f"changed: seal 1, row {row_id}: It is not what was sealed.",
        "Checked: rows 3 (pruned 0), seals 1. Findings: 1.",
    ]
    assert installed.verify("--since", "2999-01-01T00:00:00Z").returncode == 0


def test_it_compares_with_a_copy_of_the_checkpoints(installed: Installation, home: Path, tmp_path: Path) -> None:
    installed.seal(1)
    file = home / "audit" / "checkpoints.ndjson"
    copy = tmp_path / "copy.ndjson"
    copy.write_bytes(file.read_bytes())
    with installed.database.transaction() as session:
        for table in (audit_seals, api_audit_log):
            session.execute(delete(table))
    file.unlink()
    assert installed.verify("--checkpoints", str(copy)).returncode == 1


@pytest.mark.parametrize("options", [("--since", "yesterday"), ("--since", "2026-01-01")])
def test_it_refuses_a_time_that_is_none(installed: Installation, options: tuple[str, str]) -> None:
    result = installed.verify(*options)
    assert result.returncode == 2
    assert "2027-01-01T00:00:00Z" in result.stderr
