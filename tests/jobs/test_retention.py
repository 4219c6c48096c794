"""The audit is kept by class, and pruned in small ranges, each with its own record."""

from __future__ import annotations

import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from domain.audit import CLASSES
from domain.audit.commands import AuditEntry, write_entry
from domain.audit.models import api_audit_log
from domain.audit.retention import CONDITIONS
from domain.clock import rfc3339, system_clock
from domain.db import Database
from domain.seals.checkpoints import CheckpointFile
from domain.seals.verification import Verification
from jobs import retention
from jobs.retention import AuditPruner
from jobs.runtime import Runtime
from jobs.sealing import Sealing
from jobs.sweeper import Sweeper
from tests.factories import KEYRING
from tests.jobs.conftest import JobSettings
from tests.support.clock import NOON

DAY = timedelta(days=1)
KINDS: dict[str, dict[str, Any]] = {
    "reads": {"method": "GET", "status_code": 304},
    "writes": {"method": "POST", "status_code": 201},
    "refusals": {"method": "PATCH", "status_code": 409},
    "actions": {"source": "portal", "action": "api_key.create"},
}


def write(database: Database, kind: str, at: datetime, count: int = 1) -> None:
    with database.transaction() as session:
        for number in range(count):
            moment = at + timedelta(milliseconds=number)
            write_entry(session, AuditEntry(**{"source": "api", "user_agent": kind, "at": moment, **KINDS[kind]}))


def left(database: Database) -> dict[str, int]:
    """How many entries there are of each kind, those about pruning left out."""
    with database.reading() as session:
        found = session.execute(select(api_audit_log.c.user_agent)).scalars().all()
    return {kind: found.count(kind) for kind in KINDS if kind in found}


def records(database: Database) -> list[dict[str, Any]]:
    with database.reading() as session:
        chosen = select(api_audit_log.c.changes).where(api_audit_log.c.action == "audit.prune")
        return list(session.execute(chosen.order_by(api_audit_log.c.id)).scalars())


def seal(database: Database, now: datetime = NOON) -> None:
    """Seal what there is, as of some moment."""
    with tempfile.TemporaryDirectory() as home:
        Sealing(database, KEYRING, lambda: now, Path(home)).round()


def prune(pruner: AuditPruner, now: datetime = NOON) -> int:
    """Prune what is sealed until there is no more; in how many steps."""
    seal(pruner._database, now)
    steps = 1
    while pruner.step(now):
        steps += 1
    return steps


def test_it_works(database: Database) -> None:
    for kind in KINDS:
        write(database, kind, NOON - 40 * DAY)
        write(database, kind, NOON - 20 * DAY)
    prune(AuditPruner(database, KEYRING, {"reads": 30, "writes": 0, "refusals": 10, "actions": 0}))
    assert left(database) == {"reads": 1, "writes": 2, "actions": 2}
    reads, refusals = records(database)
    assert reads == {"class": "reads", "from": None, "until": rfc3339(NOON - 30 * DAY), "count": 1}
    assert (refusals["class"], refusals["count"]) == ("refusals", 2)


@pytest.mark.parametrize("kind", KINDS)
def test_every_entry_is_of_one_class(database: Database, kind: str) -> None:
    for each in KINDS:
        write(database, each, NOON - 2 * DAY)
    prune(AuditPruner(database, KEYRING, {kind: 1}))
    assert left(database).keys() == KINDS.keys() - {kind}


def test_an_entry_as_old_as_is_kept_stays(database: Database) -> None:
    write(database, "reads", NOON - DAY)
    prune(AuditPruner(database, KEYRING, {"reads": 1}))
    assert left(database) == {"reads": 1}
    prune(AuditPruner(database, KEYRING, {"reads": 1}), NOON + timedelta(milliseconds=1))
    assert left(database) == {}


def test_a_step_deletes_no_more_than_a_batch(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 10)
    write(database, "reads", NOON - 3 * DAY, 35)
    write(database, "writes", NOON - 2 * DAY, 35)
    seal(database)
    pruner = AuditPruner(database, KEYRING, {"reads": 1})
    assert pruner.step(NOON)
    assert left(database) == {"reads": 25, "writes": 35}
    assert prune(pruner) <= 8
    assert left(database) == {"writes": 35}
    assert [record["count"] for record in records(database)] == [10, 10, 10, 5]
    ranges = [(record["from"], record["until"]) for record in records(database)]
    assert [start for start, _ in ranges[1:]] == [end for _, end in ranges[:-1]]


def test_many_entries_of_one_moment_are_one_step(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    for _ in range(8):
        write(database, "reads", NOON - 2 * DAY)
    write(database, "reads", NOON - 2 * DAY + timedelta(hours=1), 2)
    prune(AuditPruner(database, KEYRING, {"reads": 1}))
    assert left(database) == {}


def test_what_it_passed_is_not_read_again(database: Database) -> None:
    write(database, "writes", NOON - 3 * DAY, 20)
    pruner = AuditPruner(database, KEYRING, {"reads": 1})
    prune(pruner)
    write(database, "reads", NOON - 2 * DAY)  # too late to be seen by this process
    prune(pruner)
    assert left(database)["reads"] == 1
    prune(AuditPruner(database, KEYRING, {"reads": 1}))
    assert "reads" not in left(database)


def test_nothing_is_deleted_that_is_not_sealed(database: Database) -> None:
    write(database, "reads", NOON - 3 * DAY)
    pruner = AuditPruner(database, KEYRING, {"reads": 1})
    assert not pruner.step(NOON)
    seal(database, NOON - 5 * DAY)
    write(database, "reads", NOON - 2 * DAY)
    assert not pruner.step(NOON)  # the seal tells nothing of that day yet
    assert left(database) == {"reads": 2}
    prune(pruner)
    assert left(database) == {}


def test_what_is_pruned_is_signed(database: Database, home: Path) -> None:
    write(database, "reads", NOON - 3 * DAY, 5)
    write(database, "writes", NOON - 3 * DAY, 5)
    sealing = Sealing(database, KEYRING, lambda: NOON, home)
    sealing.round()
    prune(AuditPruner(database, KEYRING, {"reads": 1}))
    sealing.round()
    checking = Verification(database, KEYRING, NOON, CheckpointFile.in_home(home).lines(), None)
    assert list(checking.run()) == []
    assert checking.tally.pruned == 5


def test_without_a_limit_it_sends_nothing(database: Database) -> None:
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert not AuditPruner(database, KEYRING, dict.fromkeys(KINDS, 0)).step(NOON)
    assert statements == []


def test_the_sweeper_does_it(settings: JobSettings, database: Database) -> None:
    write(database, "reads", system_clock() - 40 * DAY, 1200)
    write(database, "reads", system_clock() - 20 * DAY)
    settings.audit_days.update(reads=30)  # type: ignore[attr-defined]  # a dict, here
    runtime = Runtime.build(settings)
    Sweeper(runtime).tick()  # seals
    sweeper = Sweeper(runtime)
    for _ in range(20):  # it takes a part of each tick, and stops when there is no more
        sweeper.tick()
    assert left(database) == {"reads": 1}
    runtime.database.dispose()
    runtime.redis.close()


def test_every_class_that_can_be_set_has_its_entries() -> None:
    assert tuple(CONDITIONS) == CLASSES
