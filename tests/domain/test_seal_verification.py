"""`audit verify` finds every tampering, names it, and finds nothing where there is none."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, text, update

from domain.audit.models import api_audit_log
from domain.db import Database
from domain.seals.commands import prune_sealed
from domain.seals.models import audit_sealed_rows
from tests.factories import KEYRING
from tests.support.sealing import Trail
from tests.support.tampered import kept
from tests.support.tampering import LOG, Tamperer

TAMPERINGS = 60


@pytest.fixture
def trail(database: Database, home: Path) -> Trail:
    return Trail(database, home)


def prune(trail: Trail, most: int, route: str | None = None) -> int:
    condition = LOG.at <= trail.clock.now if route is None else LOG.route == route
    with trail.database.transaction() as session:
        return prune_sealed(session, KEYRING, condition, most, trail.clock.advance(seconds=1)) or 0


def test_it_works(trail: Trail) -> None:
    trail.seal(3, 1, 4)
    assert trail.verify() == []
    assert (trail.tally.seals, trail.tally.rows, trail.tally.pruned) == (3, 8, 0)


def test_nothing_is_as_sealed(trail: Trail) -> None:
    assert trail.verify() == []
    trail.seal()
    assert trail.verify() == []


def test_it_names_the_row_and_the_seal(trail: Trail) -> None:
    trail.seal(3, 3)
    changed, deleted = trail.sealed()[1], trail.sealed()[4]
    with trail.database.transaction() as session:
        session.execute(update(api_audit_log).where(LOG.id == changed).values(status_code=201))
        session.execute(delete(api_audit_log).where(LOG.id == deleted))
    found = [(finding.what, finding.where) for finding in trail.verify()]
    assert found == [("changed", f"seal 1, row {changed}"), ("deleted", f"seal 2, row {deleted}")]


def test_it_finds_a_row_that_was_inserted(trail: Trail) -> None:
    trail.clock.advance(minutes=5)
    trail.seal(3)
    (forged,) = trail.write(1, at=trail.clock.now - timedelta(minutes=3))
    assert [(finding.what, finding.where) for finding in trail.verify()] == [("inserted", f"row {forged}")]


def test_it_finds_rows_that_no_sealer_came_for(trail: Trail) -> None:
    trail.write(2)
    assert trail.verify() == []
    trail.clock.advance(minutes=11)
    assert [finding.what for finding in trail.verify()] == ["inserted", "inserted"]


def test_it_finds_what_no_driver_can_read(trail: Trail) -> None:
    trail.seal(3)
    row_id = trail.sealed()[1]
    value = "path = CAST(x'ff' AS TEXT)" if trail.database.is_sqlite else "at = 'infinity'"
    with trail.database.transaction() as session:
        session.execute(text(f"UPDATE api_audit_log SET {value} WHERE id = '{row_id}'"))
    assert [finding.where for finding in trail.verify()] == [f"seal 1, row {row_id}"]


def test_it_finds_places_that_are_nonsense(trail: Trail) -> None:
    trail.seal(3, 1)
    if not trail.database.is_sqlite:
        pytest.skip("PostgreSQL's columns hold what they say")
    with trail.database.transaction() as session:
        session.execute(text("UPDATE audit_sealed_rows SET leaf = 'text' WHERE sequence = 1"))
        session.execute(text("INSERT INTO audit_seals VALUES ('nonsense', 'nonsense')"))
    assert len(trail.verify()) >= 2


class TestTheFile:
    """Outside the database: whoever changes one of the two is found by the other."""

    def test_a_truncated_file_is_found(self, trail: Trail) -> None:
        trail.seal(1, 1, 1, 1)
        lines = list(trail.lines())
        for left in (lines[:3], lines[:1], [], lines[1:], lines[:1] + lines[2:]):
            assert [finding.what for finding in trail.verify(iter(left))] == ["checkpoints"], left
        assert trail.verify(iter(lines)) == []

    def test_a_file_of_other_lines_is_found(self, trail: Trail) -> None:
        trail.seal(1, 1, 1)
        lines = list(trail.lines())
        for changed in (
            [lines[0], lines[2], lines[1]],
            [lines[0], lines[0], *lines[1:]],
            [lines[0], "nonsense", *lines[1:]],
            [*lines, "nonsense"],
            [*lines, lines[2].replace('"seal":3', '"seal":4')],
            [lines[0], lines[1].replace("T12", "T13"), lines[2]],
        ):
            assert {finding.what for finding in trail.verify(iter(changed))} == {"checkpoints"}

    def test_what_was_sealed_a_moment_ago_may_not_be_in_it_yet(self, trail: Trail) -> None:
        trail.seal(1, 1)
        trail.clock.advance(hours=1)
        trail.seal(1)
        trail.clock.now -= timedelta(seconds=100)  # `verify` is two minutes later
        lines = list(trail.lines())
        assert trail.verify(iter(lines[:2])) == []
        assert len(trail.verify(iter(lines[:1]))) == 1

    def test_a_copy_that_was_kept_elsewhere_finds_a_tail_that_is_gone_from_both(self, trail: Trail) -> None:
        trail.seal(2, 2, 2)
        copy = list(trail.lines())
        with trail.database.transaction() as session:
            for table in ("audit_seals WHERE seal", "audit_sealed_rows WHERE 2 + sequence"):
                session.execute(text(f"DELETE FROM {table} > {2 if 'seals' in table else 6}"))
            session.execute(delete(api_audit_log).where(LOG.id.not_in(select(audit_sealed_rows.c.row_id))))
        trail.file.path.write_text("".join(f"{line}\n" for line in copy[:2]))
        assert trail.verify() == []  # nobody can know
        assert [finding.where for finding in trail.verify(iter(copy))] == ["seal 3"]


class TestSince:
    """`--since` leaves out what was sealed before."""

    def test_it_leaves_out_what_is_older(self, trail: Trail) -> None:
        trail.seal(2, 2, 2)
        third = trail.seals()[2]
        with trail.database.transaction() as session:
            session.execute(delete(api_audit_log).where(LOG.id == trail.sealed()[0]))
        assert trail.verify(since=third.at) == []
        assert (trail.tally.seals, trail.tally.rows) == (1, 2)
        assert len(trail.verify()) == 1

    def test_it_finds_what_is_newer(self, trail: Trail) -> None:
        trail.seal(2, 2, 2)
        with trail.database.transaction() as session:
            session.execute(delete(api_audit_log).where(LOG.id == trail.sealed()[5]))
        assert len(trail.verify(since=trail.seals()[1].at)) == 1
        assert trail.verify(since=trail.clock.now + timedelta(days=1)) == []


class TestPruning:
    """A row that was pruned is missing on the word of a seal."""

    def test_the_trail_verifies_and_shows_the_gap(self, trail: Trail) -> None:
        trail.seal(5, 5)
        assert prune(trail, 3) == 3
        assert prune(trail, 4) == 4
        trail.seal(2)
        assert trail.verify() == []
        assert (trail.tally.rows, trail.tally.pruned, trail.tally.gaps) == (12, 7, [(1, 7)])
        assert len(trail.ids()) == 5

    def test_rows_of_one_class_may_go_before_others(self, trail: Trail) -> None:
        for number in range(12):
            trail.write(1, route="/projects" if number % 3 else "/scenes/{id}")
        trail.seal()
        assert prune(trail, 100, "/projects") == 8
        assert prune(trail, 2) == 2
        trail.seal()
        assert trail.verify() == []
        assert trail.tally.gaps == [(1, 12)]

    def test_only_sealed_rows_go(self, trail: Trail) -> None:
        trail.seal(2)
        trail.write(3)
        assert prune(trail, 100) == 2
        assert len(trail.ids()) == 3

    def test_a_row_that_was_changed_stays_to_be_found(self, trail: Trail) -> None:
        trail.seal(3)
        changed = trail.sealed()[1]
        with trail.database.transaction() as session:
            session.execute(update(api_audit_log).where(LOG.id == changed).values(path="/changed"))
        assert prune(trail, 100) == 2
        assert trail.ids() == [changed]
        trail.seal()
        assert [finding.what for finding in trail.verify()] == ["changed"]

    def test_nothing_is_pruned_before_anything_is_sealed(self, trail: Trail) -> None:
        trail.write(3)
        assert prune(trail, 100) == 0


def test_it_finds_nothing_while_others_write_seal_and_prune(trail: Trail) -> None:
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            trail.seal(7)
            prune(trail, 5)

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        try:
            findings = [finding for _ in range(15) for finding in trail.verify(later=timedelta())]
        finally:
            done.set()
    working.result()
    assert findings == []
    trail.seal()
    assert trail.verify() == []
    assert trail.tally.pruned > 0


def fill(trail: Trail) -> None:
    """A dozen seals, some of whose rows are pruned."""
    trail.clock.advance(hours=1)
    draw = random.Random(1)
    for _ in range(10):
        trail.seal(draw.randint(1, 9))
        trail.clock.advance(minutes=1)
    prune(trail, 6)
    trail.seal(3)


def check_tamperings(trail: Trail, count: int, seed: int) -> None:
    """Each is found, and nothing is found after it has been undone."""
    fill(trail)
    assert trail.verify() == []
    tamperer, missed = Tamperer(trail, random.Random(seed)), []
    with kept(trail.database) as put_back:
        for _ in range(count):
            done = tamperer.tamper()
            if not trail.verify():
                missed.append(done)
            put_back()
    assert missed == []
    assert trail.verify() == []


def test_random_tamperings_are_found(trail: Trail) -> None:
    check_tamperings(trail, TAMPERINGS, 4)
