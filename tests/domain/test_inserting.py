"""INSERT of the hot path: one row is stored as each of several is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from domain.audit.commands import AuditEntry, AuditWriter
from domain.audit.models import api_audit_log
from domain.db import Database
from domain.ids import new_id
from domain.inserting import insert_new_rows
from domain.jobs.models import jobs
from tests.factories import make_character, make_job, make_project
from tests.support.clock import NOON

FULL = AuditEntry(
    NOON,
    "api",
    params={"query": {"a": ["“é” \\ %s ? :x 'y'", None, 1e22, True]}},
    changes={},
    path="/api/v1/“é” %s ? :x 'y' \\",
    status_code=200,
    bytes_in=0,
    bytes_out=2**40,
    duration_ms=0.1 + 0.2,
)


def stored(database: Database, entry_id: str) -> dict[str, Any]:
    with database.reading() as session:
        row = session.execute(select(api_audit_log).where(api_audit_log.c.id == entry_id)).mappings().one()
    return {name: value for name, value in row.items() if name != "id"}


@pytest.mark.parametrize("entry", [FULL, AuditEntry(NOON, "cli"), replace(FULL, bytes_in=2**33, duration_ms=3.0)])
def test_it_works(database: Database, entry: AuditEntry) -> None:
    writer = AuditWriter(database)
    alone, first, second = (replace(entry, id=new_id("aud")) for _ in range(3))
    writer.write(alone)
    assert writer.write_all([first, second]) == [None, None]
    given = {name: getattr(entry, name) for name in AuditEntry.__slots__ if name != "id"}
    assert stored(database, alone.id) == stored(database, first.id) == stored(database, second.id) == given


@pytest.mark.parametrize("progress", [0, 7, 0.1 + 0.2, 1e-9])
def test_a_number_keeps_its_digits(database: Database, progress: float) -> None:
    made = make_job(database, make_character(database, make_project(database)))
    given = {str(name): value for name, value in made.items()}  # orjson takes no other class of names
    rows = [{**given, "id": new_id("job"), "progress": progress} for _ in range(3)]
    with database.transaction() as session:
        assert len(insert_new_rows(session, jobs, rows[:1], ["id"])) == 1
        assert len(insert_new_rows(session, jobs, rows[1:], ["id"])) == 2
        found = session.execute(select(jobs.c.progress).where(jobs.c.id.in_([row["id"] for row in rows])))
        assert list(found.scalars()) == [progress] * 3
