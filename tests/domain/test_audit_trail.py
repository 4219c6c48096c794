"""The words by which a query of the trail names its index: true of all that it asks for, and understood by SQLite."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from domain.audit.commands import AuditEntry, write_entry
from domain.audit.models import api_audit_log
from domain.audit.queries import AUDIT, trail
from domain.db import Database
from domain.listing import fetch, parse
from tests.scale.plans import sent
from tests.support.clock import NOON

EVERYTHING = select(api_audit_log)
STATUSES = (None, 200, 201, 304, 399, 400, 404, 499, 500, 503)


@pytest.fixture
def filled(database: Database) -> Database:
    """One entry of every status, method and source, with a key and without."""
    drawn = itertools.product(STATUSES, ("GET", "PUT", None), ("api", "cli"), ("key_1", None))
    with database.transaction() as session:
        for status, method, source, key_id in drawn:
            route = "/api/v1/me" if method == "GET" else None
            values: dict[str, Any] = {
                "status_code": status,
                "method": method,
                "source": source,
                "key_id": key_id,
                "route": route,
            }
            write_entry(session, AuditEntry(at=NOON, action="x" if source == "cli" else None, **values))
    return database


STATUS = [
    *("", "status_code=200", "status_code=304", "status_code=404", "status_code=503", "status_code[lt]=400"),
    *("status_code[gte]=400", "status_code[gt]=399", "status_code[gt]=400", "status_code[gte]=500"),
    *("status_code[gte]=400&status_code[lt]=500", "status_code[gte]=-5", "status_code[ne]=200"),
    *("status_code[in]=200,404", "status_code[in]=404,503", "status_code[in]=500,503", "status_code[isnull]=true"),
]
OTHERS = [
    *("", "key_id=key_1", "key_id[isnull]=true", "route=/api/v1/me", "method=GET", "method=PUT", "method[in]=GET,PUT"),
    *("source=api", "source=cli", "source[ne]=api", "action=x", "at[lte]=2026-03-01T12:00:00Z"),
]


@pytest.mark.parametrize("status", STATUS)
def test_what_it_says_is_true_of_all_that_is_asked_for(filled: Database, status: str) -> None:
    for others in OTHERS:
        pairs = [part.partition("=") for part in f"{status}&{others}".split("&") if part]
        parameters = [*((name, value) for name, _, value in pairs), ("limit", "200")]
        query = parse(AUDIT, parameters)
        with filled.reading() as session:
            said = fetch(session, query, trail(parameters)).rows
            plain = fetch(session, query, EVERYTHING).rows
        assert [row["id"] for row in said] == [row["id"] for row in plain], parameters


@pytest.fixture
def sqlite(sqlite_databases: Any) -> Iterator[Database]:
    with sqlite_databases.fresh() as url:
        database = Database(url)
        yield database
        database.dispose()


INDEXES = {
    "": "every",
    "at[gte]=2026-01-01T00:00:00Z": "every",
    "method=GET": "every",
    "status_code=200": "every",
    "key_id=key_1": "key_id",
    "key_id=key_1&at[gte]=2026-01-01T00:00:00Z": "key_id",
    "key_id=key_1&status_code[gte]=400": "refused_key_id",
    "route=/x": "route",
    "route=/x&status_code[in]=404,503": "refused_route",
    "request_id=x": "request_id",
    "ip=x": "ip",
    "user_id=x": "user_id",
    "action=x": "action",
    "method=PUT": "method",
    "source=portal": "source",
    "status_code=503": "status_code",
    "status_code[gte]=400&status_code[lt]=500": "refused",
    "status_code[gte]=500": "failed",
}


@pytest.mark.parametrize("text", INDEXES)
def test_sqlite_reads_the_index_that_is_meant_and_sorts_nothing(sqlite: Database, text: str) -> None:
    pairs = [part.partition("=") for part in text.split("&") if part]
    parameters = [(name, value) for name, _, value in pairs]
    with sent(sqlite) as statements, sqlite.reading() as session:
        fetch(session, parse(AUDIT, parameters), trail(parameters))
    statement, values = statements[-1]
    with sqlite.engine.connect() as connection:
        plan = " ".join(str(row) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values))
    assert f"ix_api_audit_log_{INDEXES[text]}_at_id" in plan
    assert "TEMP B-TREE" not in plan
