"""Sealing: every committed row gets a place, once, in a signed chain that is in the table and in a file."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, text, update

from domain.audit.commands import AuditEntry, write_entry
from domain.crypto import Keyring
from domain.db import Database, Session
from domain.ids import id_at
from domain.seals.checkpoints import Kind
from domain.seals.commands import seal_rows
from domain.seals.models import audit_seals
from domain.seals.queries import unsealed_since
from jobs import sealing
from jobs.sealing import BrokenChain, CheckpointsDisagree
from tests.factories import KEYRING
from tests.support.clock import NOON
from tests.support.databases import PostgresqlDatabases
from tests.support.queries import recorded
from tests.support.sealing import Trail
from tests.support.waiting import wait_until


@pytest.fixture
def trail(database: Database, home: Path) -> Trail:
    return Trail(database, home)


def test_it_works(trail: Trail) -> None:
    first = trail.write(3)
    trail.seal()
    second = trail.write(2)
    trail.seal()

    one, two = trail.seals()
    assert (one.seal, one.first, one.last, one.count, one.size) == (1, 1, 3, 3, 3)
    assert (two.seal, two.first, two.last, two.count, two.size) == (2, 4, 5, 2, 5)
    assert two.previous == one.head
    assert one.is_signed(KEYRING)
    assert not one.is_signed(Keyring(b"y" * 32))
    assert trail.sealed() == first + second
    assert list(trail.lines()) == [one.line, two.line]
    assert trail.file.path.stat().st_mode & 0o777 == 0o600


def test_without_rows_there_is_a_seal_every_hour(trail: Trail) -> None:
    trail.seal(1)
    for _ in range(3):
        trail.clock.advance(minutes=25)
        trail.seal()
    assert [seal.count for seal in trail.seals()] == [1, 0]
    assert trail.verify() == []


def test_a_backlog_is_sealed_in_several_seals(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "MOST_ROWS", 10)
    written = trail.write(35)
    trail.seal()
    assert [seal.count for seal in trail.seals()] == [10, 10, 10, 5]
    assert trail.sealed() == written


def test_a_row_that_is_committed_late_is_sealed_all_the_same(trail: Trail) -> None:
    """A transaction that began long ago, and was overtaken."""
    trail.seal(3)
    late = trail.write(1, at=trail.clock.now - timedelta(seconds=45))
    trail.seal()
    assert trail.sealed()[-1:] == late
    assert trail.verify() == []


def test_a_row_behind_the_overlap_is_found_by_the_walk(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "WALK_ROWS", 4)
    trail.clock.advance(hours=1)
    trail.seal(20)
    late = trail.write(1, at=trail.clock.now - timedelta(minutes=5))
    for _ in range(12):
        trail.seal()
    assert trail.sealed()[-1:] == late
    assert trail.verify() == []


def test_a_row_of_a_time_long_sealed_is_sealed_as_late(trail: Trail) -> None:
    trail.clock.advance(hours=2)
    trail.seal(5)
    backdated = trail.write(2, at=NOON) + trail.write(1, at=NOON, made=trail.clock.now)
    trail.write(1)
    trail.seal()
    assert sorted(trail.sealed()[-3:]) == sorted(backdated)
    assert [seal.kind for seal in trail.seals()] == [Kind.SEALED, Kind.SEALED, Kind.LATE, Kind.LATE]
    assert [finding.what for finding in trail.verify()] == ["late"] * 3


def test_a_call_that_took_long_is_sealed_when_it_ends(trail: Trail) -> None:
    trail.clock.advance(hours=1)
    trail.seal(5)
    upload = trail.write(1, at=trail.clock.now - timedelta(minutes=40), made=trail.clock.now)
    trail.sealing._seal_new()  # without the walk
    assert trail.sealed()[-1:] == upload
    trail.seal()
    assert trail.verify() == []


def test_rows_from_the_time_when_no_sealer_ran_are_not_late(trail: Trail) -> None:
    trail.seal(2)
    trail.clock.advance(days=3)
    trail.write(3, at=trail.clock.now - timedelta(days=2))
    trail.seal()
    assert len(trail.sealed()) == 5
    assert trail.verify() == []


def test_a_wrong_clock_that_was_put_right_leaves_nothing_unsealed(trail: Trail) -> None:
    trail.seal(2)
    trail.clock.advance(days=400)
    trail.seal(2)
    trail.clock.now = NOON + timedelta(minutes=1)
    for _ in range(3):
        trail.seal(2)
    assert sorted(trail.sealed()) == sorted(trail.ids())
    assert [finding for finding in trail.verify() if finding.what != "late"] == []


def test_the_whole_trail_is_walked_through(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "WALK_ROWS", 5)
    trail.seal(10)
    trail.clock.advance(hours=6)
    trail.seal(20)
    (old,) = trail.write(1, at=NOON)
    for _ in range(20):
        trail.seal()
    assert trail.sealed()[-1] == old
    assert len(trail.sealed()) == 31


def test_an_open_transaction_is_not_sealed_before_it_commits(database: Database, trail: Trail) -> None:
    if database.is_sqlite:
        pytest.skip("one writer at a time: nothing overtakes it")
    with database.transaction() as session:
        at = trail.clock.advance(seconds=1)
        slow = AuditEntry(id=id_at("aud", at), at=at, source="api")
        write_entry(session, slow)
        trail.seal(2)
        assert slow.id not in trail.sealed()
    trail.seal()
    assert trail.sealed()[-1] == slow.id


def test_many_sealers_make_one_chain(trail: Trail) -> None:
    """While rows are being written; each row has one place."""
    done = threading.Event()
    sealers = [trail.sealer() for _ in range(3)]

    def run(number: int) -> None:
        while not done.is_set():
            sealers[number].round()

    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(run, number) for number in range(3)]
        for _ in range(20):
            trail.write(5)
        wait_until(lambda: len(trail.sealed()) == 100, 20, "not every row was sealed")
        done.set()
    assert [future.exception() for future in running] == [None] * 3
    assert sorted(trail.sealed()) == sorted(trail.ids())
    assert [seal.line for seal in trail.seals()] == list(trail.lines())
    assert trail.verify() == []


def test_what_a_killed_sealer_did_not_write_to_the_file_is_written_by_the_next(trail: Trail) -> None:
    trail.seal(1, 1, 1)
    content = trail.file.path.read_bytes()
    for cut in (1, 30, len(content) - 40):  # half a line, or more of them
        trail.file.path.write_bytes(content[:-cut])
        trail.sealer().round()
        assert trail.file.path.read_bytes() == content
    trail.file.path.unlink()
    trail.sealer().round()
    assert trail.file.path.read_bytes() == content


def test_a_killed_transaction_leaves_nothing(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    trail.write(2)
    with monkeypatch.context() as broken:
        broken.setattr(sealing, "seal_rows", _seal_and_die)
        with pytest.raises(RuntimeError):
            trail.seal()
    assert (trail.seals(), trail.sealed()) == ([], [])
    trail.seal()
    assert len(trail.sealed()) == 2


def _seal_and_die(*arguments: Any, **options: Any) -> None:
    assert seal_rows(*arguments, **options)
    raise RuntimeError("killed")


def test_it_adds_nothing_to_a_file_that_the_database_contradicts(trail: Trail) -> None:
    trail.seal(1, 1)
    before = trail.file.path.read_bytes()
    with trail.database.transaction() as session:
        session.execute(delete(audit_seals).where(audit_seals.c.seal == 2))
        session.execute(text("DELETE FROM audit_sealed_rows WHERE sequence = 2"))
    trail.clock.advance(seconds=1)
    with pytest.raises(CheckpointsDisagree):
        trail.seal()
    assert trail.file.path.read_bytes() == before
    assert len(trail.sealed()) == 2  # the rows are sealed, whatever the file says
    assert trail.verify() != []


def test_it_chains_nothing_to_a_seal_that_is_not_its_own(trail: Trail) -> None:
    trail.seal(1, 1)
    forged = trail.seals()[1].signed(Keyring(b"y" * 32))
    for line in (forged.line, "nonsense"):
        with trail.database.transaction() as session:
            session.execute(update(audit_seals).where(audit_seals.c.seal == 2).values(checkpoint=line))
        with pytest.raises(BrokenChain):
            trail.seal(1)
    assert len(trail.sealed()) == 2
    with trail.database.transaction() as session:
        true = list(trail.lines())[1]
        session.execute(update(audit_seals).where(audit_seals.c.seal == 2).values(checkpoint=true))
    trail.seal()
    assert len(trail.sealed()) == 4
    assert trail.verify() == []


def test_a_row_that_no_driver_can_read_holds_up_no_other(database: Database, trail: Trail) -> None:
    broken, good = trail.write(2)
    value = "CAST(x'ff' AS TEXT)" if database.is_sqlite else "'infinity'"
    column = "path" if database.is_sqlite else "at"
    with database.transaction() as session:
        session.execute(text(f"UPDATE api_audit_log SET {column} = {value} WHERE id = '{broken}'"))
    trail.seal()
    assert trail.sealed() == [good]


def test_a_round_costs_the_same_however_long_the_trail_is(trail: Trail) -> None:
    """Three statements where nothing is new, and one more for the file."""
    trail.seal(5)
    with recorded(trail.database) as few:
        trail.seal()
    trail.clock.advance(hours=2)
    trail.seal(50)
    with recorded(trail.database) as many:
        trail.seal()
    assert len(few) == len(many) <= 6


FILL = (
    "INSERT INTO api_audit_log (id, at, source) SELECT :stem || lpad(to_hex(n), 8, '0'),"
    " timestamptz '2026-03-01 12:00Z', 'api' FROM generate_series(1, :rows) AS n",
    "INSERT INTO audit_sealed_rows (sequence, row_id, leaf) SELECT n, :stem || lpad(to_hex(n), 8, '0'), ''"
    " FROM generate_series(1, :rows) AS n",
    "ANALYZE",
)
FILLED = {"rows": 50_000, "stem": id_at("aud", NOON - timedelta(minutes=5))[:-8]}


def test_finding_unsealed_rows_reads_the_last_minute_and_no_more(postgresql_databases: PostgresqlDatabases) -> None:
    """Whatever PostgreSQL's planner makes of a trail that is all sealed."""
    with postgresql_databases.fresh() as url:
        database = Database(url)
        for statement in FILL:
            with database.single_statement() as session:
                session.execute(text(statement).bindparams(**(FILLED if ":rows" in statement else {})))
        with recorded(database) as statements, database.reading() as session:
            assert unsealed_since(session, NOON, 1000) == []
        with database.reading() as session:
            plan = explained(session, statements[0], {"id_1": id_at("aud", NOON), "param_1": 1000})
        database.dispose()
    assert "pk_api_audit_log" in plan
    assert "uq_audit_sealed_rows_row_id" in plan
    assert "Seq Scan" not in plan


def explained(session: Session, statement: str, values: dict[str, object]) -> str:
    named = re.sub(r"%\((\w+)\)s", r":\1", statement.replace("::", r"\:\:"))
    return "\n".join(session.execute(text(f"EXPLAIN {named}"), values).scalars())


def test_the_insert_of_a_row_is_what_it_was(trail: Trail) -> None:
    with recorded(trail.database) as statements:
        trail.write(1)
    assert len(statements) == 1
