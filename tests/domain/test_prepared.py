"""Statements in the driver's words: they store what SQLAlchemy would, and fail as it says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from domain.db import Database, Row, is_duplicate, waited_too_long_for_lock
from domain.external_ids.models import external_ids
from domain.finding import find_row
from domain.idempotency.commands import RecordKey, claim_record, keep_answer
from domain.inserting import insert_ignoring_conflict, insert_new_rows
from domain.prepared import update_row
from domain.projects.models import PROJECTS, projects
from tests.factories import make_key, make_project
from tests.support.clock import NOON


def found(database: Database, project: Row) -> Row:
    with database.transaction() as session:
        row = find_row(session, projects, PROJECTS.prefix, project["id"], for_update=True)
    assert row is not None
    return row


def lose_connections(database: Database) -> None:
    """Every connection but the one that does it ends."""
    mine = "datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    other = Database(database.engine.url.render_as_string(hide_password=False))
    with other.reading() as session:
        session.execute(text(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {mine}")).all()
    other.dispose()


def test_it_works(database: Database) -> None:
    project = make_project(database)
    changed = {
        "name": "50 % „Ø“ :name ?",
        "strict_metadata": True,
        "metadata": {"a": [1.5, None, "%s"]},
        "updated_at": datetime(2026, 3, 1, 12, 0, 0, 123000, UTC),
    }
    with database.transaction() as session:
        assert update_row(session, projects, project["id"], changed)
    assert found(database, project) == {**project, **changed}


def test_it_changes_the_row_at_that_version_alone(database: Database) -> None:
    project = make_project(database)
    with database.transaction() as session:
        assert not update_row(session, projects, project["id"], {"name": "Late", "version": 9}, version=8)
        assert update_row(session, projects, project["id"], {"name": "In time", "version": 2}, version=1)
        assert not update_row(session, projects, "prj_" + "0" * 26, {"name": "Nobody's"})
    assert (found(database, project)["name"], found(database, project)["version"]) == ("In time", 2)


def test_it_changes_the_row_where_the_condition_holds(database: Database) -> None:
    project, condition = make_project(database), projects.c.status == bindparam("wanted")
    with database.transaction() as session:
        for status, expected in (("archived", False), ("active", True)):
            held = (condition, {"wanted": status})
            assert update_row(session, projects, project["id"], {"name": status}, held=held) is expected
    assert found(database, project)["name"] == "active"


def test_a_duplicate_is_told_without_what_was_given(database: Database) -> None:
    code, other = make_project(database)["code"], make_project(database)
    with pytest.raises(IntegrityError) as caught, database.transaction() as session:
        update_row(session, projects, other["id"], {"code": code, "name": "nobody's business"})
    assert is_duplicate(caught.value)
    assert "nobody's business" not in str(caught.value)
    assert found(database, other) == other


def test_the_row_that_is_there_stays(database: Database) -> None:
    project = make_project(database)
    with database.transaction() as session:
        assert not insert_ignoring_conflict(session, projects, {**project, "name": "Another"})
        assert insert_ignoring_conflict(session, projects, {**project, "id": "prj_" + "1" * 26, "code": "another"})
    assert found(database, project) == project


def test_rows_that_are_new_are_named_however_many_there_are(database: Database) -> None:
    """More than SQLite takes values in one statement."""
    project = make_project(database)
    fields = {"system": "ftrack", "object": "character", "entity_id": "chr_" + "0" * 26}
    rows = [{**fields, "scope": project["id"], "external_id": str(number)} for number in range(10_000)]
    with database.transaction() as session:
        assert insert_new_rows(session, external_ids, rows[:2], ["external_id"]) == {("0",), ("1",)}
        new = insert_new_rows(session, external_ids, rows, ["external_id"])
    assert new == {(str(number),) for number in range(2, 10_000)}


def test_an_answer_is_kept_byte_for_byte(database: Database) -> None:
    key = RecordKey(make_key(database).id, "POST", "/api/v1/x", "one")
    with database.transaction() as session:
        assert claim_record(session, key, b"\0digest\xff", NOON) is None
        keep_answer(session, key, 201, {"Location": "/ø"}, b"\0\xff%s")
        record = claim_record(session, key, b"another", NOON)
    assert record is not None
    assert (bytes(record["body_digest"]), record["created_at"]) == (b"\0digest\xff", NOON)
    assert (record["status_code"], record["headers"]) == (201, {"Location": "/ø"})
    assert bytes(record["body"]) == b"\0\xff%s"


def test_a_wait_for_a_lock_ends(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("the database has one lock, which is waited for at BEGIN")
    project = make_project(database)
    with database.transaction() as first, database.transaction() as second:
        find_row(first, projects, PROJECTS.prefix, project["id"], for_update=True)
        second.execute(text("SET LOCAL lock_timeout = '20ms'"))
        with pytest.raises(DBAPIError) as caught:
            find_row(second, projects, PROJECTS.prefix, project["id"], for_update=True)
    assert waited_too_long_for_lock(caught.value)


def test_a_lost_connection_is_replaced(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("there is no connection to lose")
    project = make_project(database)

    def change() -> None:
        with database.transaction() as session:
            lose_connections(database)
            update_row(session, projects, project["id"], {"name": "Lost"})

    with pytest.raises(OperationalError) as caught:
        change()
    assert caught.value.connection_invalidated
    assert found(database, project) == project


def test_the_read_after_one_that_lost_its_connection_has_another(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("there is no connection to lose")
    project = make_project(database)
    with database.reading() as session:
        assert find_row(session, projects, PROJECTS.prefix, project["id"]) == project
        lose_connections(database)
        with pytest.raises(OperationalError):
            find_row(session, projects, PROJECTS.prefix, project["id"])
    with database.reading() as session:
        assert find_row(session, projects, PROJECTS.prefix, project["id"]) == project
