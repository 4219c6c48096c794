"""GET /audit/export: the trail as a file, whole, in pages that nobody sees."""

from __future__ import annotations

import csv
import io
from typing import Any

import orjson
import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from domain.audit import export
from domain.audit.commands import AuditEntry, write_entry
from domain.audit.export import PAGE
from domain.audit.models import api_audit_log
from domain.audit.queries import AUDIT
from domain.db import Database
from tests.api.client import Answer
from tests.api.conftest import Cast
from tests.support.clock import NOON, StoppedClock
from tests.support.queries import without

EXPORT = "/audit/export"


def write(database: Database, count: int = 1, **values: Any) -> list[str]:
    """Calls made at noon; their ids, newest first."""
    plain = {"at": NOON, "source": "api", "method": "GET", "path": "/api/v1/projects", "status_code": 200}
    entries = [AuditEntry(**{**plain, **values}) for _ in range(count)]
    with database.transaction() as session:
        for entry in entries:
            write_entry(session, entry)
    return [entry.id for entry in reversed(entries)]


def lines(answer: Answer) -> list[dict[str, Any]]:
    assert answer.response.data.endswith(b"\n") or not answer.response.data
    return [orjson.loads(line) for line in answer.response.data.splitlines()]


def table(answer: Answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.response.text, newline="")))


def test_it_works(cast: Cast, database: Database, clock: StoppedClock) -> None:
    cast.viewer.get("/projects", fields="id")
    cast.viewer.get("/characters/nonsense")
    listed = cast.admin.get("/audit", sort="id").data
    clock.advance(seconds=1)
    answer = cast.admin.get(EXPORT, sort="id")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="callsheet-audit-20260301T120001Z.ndjson"'
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "Content-Length" not in answer.headers
    assert lines(answer)[:2] == listed
    assert answer.audit["params"] == {"query": {"sort": "id"}}


def test_it_holds_every_page_once_and_in_order(cast: Cast, database: Database, clock: StoppedClock) -> None:
    ids = write(database, 2 * PAGE + 7)
    clock.advance(seconds=1)
    assert [row["id"] for row in lines(cast.admin.get(EXPORT))] == ids
    assert [row["id"] for row in table(cast.admin.get(EXPORT, format="csv", sort="at"))] == ids[::-1]
    few = cast.admin.get(EXPORT, **{"id[in]": ",".join(ids[-3:]), "fields": "id,status_code"})
    assert lines(few) == [{"id": each, "status_code": 200} for each in ids[-3:]]


def test_it_holds_what_was_there_when_it_began(cast: Cast, database: Database, clock: StoppedClock) -> None:
    before = write(database, 3)
    clock.advance(seconds=1)
    response = cast.admin.send("GET", EXPORT)
    write(database, 3, at=clock.now)
    assert [orjson.loads(line)["id"] for line in response.data.splitlines()] == before


def test_it_narrows_as_the_list_does(cast: Cast, database: Database, clock: StoppedClock) -> None:
    (refused,) = write(database, status_code=403, problem="forbidden", ip="192.0.2.1")
    (failed,) = write(database, status_code=503)
    (put,) = write(database, method="PUT", status_code=201)
    (action,) = write(database, source="cli", action="db.upgrade", method=None, status_code=None)
    write(database)
    clock.advance(seconds=1)
    wanted: dict[str, list[str]] = {
        "status_code=403": [refused],
        "status_code[gte]=400&status_code[lt]=500": [refused],
        "status_code[gte]=500": [failed],
        "status_code[gt]=399": [failed, refused],
        "status_code[in]=403,503": [failed, refused],
        "status_code[in]=201,403": [put, refused],
        "method=PUT": [put],
        "method=PUT&status_code[gte]=400": [],
        "source=cli": [action],
        "action=db.upgrade": [action],
        "ip=192.0.2.1&status_code[gte]=400": [refused],
        "status_code[gte]=": [],
    }
    for query, ids in wanted.items():
        answer = cast.admin.call("GET", f"{EXPORT}?{query}")
        if query.endswith("="):
            answer.refused(400, "bad-query")
        else:
            assert [row["id"] for row in lines(answer)] == ids, query
            assert cast.admin.call("GET", f"/audit?{query}&at[lt]=2026-03-01T12:00:01Z").ids == ids, query


def test_csv_has_a_head_and_every_field(cast: Cast, database: Database, clock: StoppedClock) -> None:
    write(database, params={"query": {"q": 'Mira, "the" Voss'}}, user_agent="Kitsu\r\nsync é", duration_ms=1.25)
    clock.advance(seconds=1)
    answer = cast.admin.get(EXPORT, format="csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    (row,) = table(answer)
    assert tuple(row) == AUDIT.shown
    (listed,) = cast.admin.get("/audit", **{"at[lt]": "2026-03-01T12:00:01Z"}).data
    expected = {name: "" if value is None else str(value) for name, value in listed.items()}
    assert row == expected | {"params": orjson.dumps(listed["params"]).decode()}
    assert answer.response.text.count("\r\n") == 3  # one is in the cell


FORMULAS = {
    "=1+1": "'=1+1",
    "+1": "'+1",
    "-1": "'-1",
    "@SUM(A1)": "'@SUM(A1)",
    "\t=1": "'\t'=1",
    "  =1": "'  =1",
    '"=1': "'\"=1",
    "＝1": "'＝1",
    "a;=cmd|' /C calc'!A0": "a;'=cmd|' /C calc'!A0",
    "a\n=1": "a\n'=1",
    "curl/8.0 (x; -y)": "curl/8.0 (x;' -y)",
    "plain - text = fine": "plain - text = fine",
    "": "",
}


@pytest.mark.parametrize("text", FORMULAS)
def test_csv_holds_no_formula(cast: Cast, database: Database, clock: StoppedClock, text: str) -> None:
    write(database, user_agent=text)
    clock.advance(seconds=1)
    assert table(cast.admin.get(EXPORT, format="csv"))[0]["user_agent"] == FORMULAS[text]
    assert lines(cast.admin.get(EXPORT, sort="at"))[0]["user_agent"] == text


def test_an_empty_trail_is_an_empty_file(cast: Cast) -> None:
    assert cast.admin.get(EXPORT).response.data == b""
    assert table(cast.admin.get(EXPORT, format="csv")) == []


@pytest.mark.parametrize(
    ("accept", "found"),
    [
        ("text/csv", "text/csv"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("*/*", "application/x-ndjson"),
        ("application/json, text/*;q=0.5", "text/csv"),
        ("text/csv;q=0.5, application/x-ndjson", "application/x-ndjson"),
    ],
)
def test_accept_decides_where_format_does_not(cast: Cast, accept: str, found: str) -> None:
    answer = cast.admin.call("GET", EXPORT, headers={"Accept": accept})
    assert answer.headers["Content-Type"].partition(";")[0] == found
    named = cast.admin.call("GET", f"{EXPORT}?format=csv", headers={"Accept": accept})
    assert named.headers["Content-Type"].startswith("text/csv")


def test_another_form_is_refused_and_those_there_are_named(cast: Cast) -> None:
    document = cast.admin.get(EXPORT, format="xlsx").refused(400, "bad-query").document
    assert document["parameter"] == "format"
    assert "`ndjson`, `csv`" in document["detail"]
    refused = cast.admin.call("GET", EXPORT, headers={"Accept": "application/json"}).refused(400, "bad-request")
    assert "application/x-ndjson or text/csv" in refused.document["detail"]
    cast.admin.call("GET", f"{EXPORT}?format=csv&format=csv").refused(400, "bad-query")


@pytest.mark.parametrize("query", ["limit=10", "cursor=x", "total=true", "colour=red", "expand=key", "sort=ip", "at=x"])
def test_it_refuses_a_bad_parameter(cast: Cast, query: str) -> None:
    document = cast.admin.call("GET", f"{EXPORT}?{query}").refused(400, "bad-query").document
    assert document["parameter"] == query.partition("=")[0]


def test_it_refuses_everybody_but_an_admin_for_everything(cast: Cast) -> None:
    for caller in (cast.creator, cast.reviewer, cast.viewer):
        caller.get(EXPORT).refused(403, "forbidden")


def in_use(database: Database) -> int:
    """Connections that somebody holds; what reads keep between calls is held by nobody."""
    out: int = database.engine.pool.checkedout()  # type: ignore[attr-defined]  # a QueuePool
    return out - len(database._spare._kept)


def test_no_connection_is_held_between_two_pages(cast: Cast, database: Database, clock: StoppedClock) -> None:
    """The pool counts: while the body is not read, everything is back in it."""
    write(database, 2 * PAGE)
    clock.advance(seconds=1)
    held: list[int] = []

    def note(*_: Any) -> None:
        held.append(1)

    event.listen(database.engine, "checkout", note)
    try:
        response = cast.admin.send("GET", EXPORT, buffered=False)
        opened = len(held)
        assert in_use(database) == 0
        pieces = iter(response.response)
        next(pieces)
        assert len(held) == opened
        next(pieces)
        assert len(held) == opened + 1
        assert in_use(database) == 0
    finally:
        event.remove(database.engine, "checkout", note)
    response.close()


def test_head_says_what_get_would(cast: Cast) -> None:
    response = cast.admin.send("HEAD", EXPORT)
    assert (response.status_code, response.data) == (200, b"")
    assert response.content_type == "application/x-ndjson"


@pytest.mark.parametrize(("form", "last"), [("ndjson", b'"object":"error"'), ("csv", b"broke off here")])
def test_it_says_when_it_broke_off(
    cast: Cast, database: Database, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch, form: str, last: bytes
) -> None:
    """The web server ends the body as if it were whole."""
    monkeypatch.setattr(export, "PATIENCE", 0)
    write(database, PAGE + 1)
    clock.advance(seconds=1)
    response = cast.admin.send("GET", EXPORT, query_string={"format": form}, buffered=False)
    with without(database, api_audit_log):
        written = response.data.splitlines()
    assert len(written) == PAGE + 1 + (form == "csv")
    assert last in written[-1]


def test_it_goes_on_when_the_database_was_away(
    cast: Cast, database: Database, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PATIENCE", 0)
    ids = write(database, PAGE + 1)
    clock.advance(seconds=1)
    response = cast.admin.send("GET", EXPORT, buffered=False)
    failures = iter([True, True])

    def fail(*_: Any) -> None:
        if next(failures, False):
            raise OperationalError("SELECT", None, Exception("away"))

    event.listen(database.engine, "before_cursor_execute", fail)
    try:
        written = response.data.splitlines()
    finally:
        event.remove(database.engine, "before_cursor_execute", fail)
    assert [orjson.loads(line)["id"] for line in written] == ids


def test_one_that_cannot_begin_is_refused(cast: Cast, database: Database) -> None:
    def fail(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "ORDER BY" in statement:
            raise OperationalError("SELECT", None, Exception("away"))

    event.listen(database.engine, "before_cursor_execute", fail)
    try:
        cast.admin.get(EXPORT).refused(503, "busy")
    finally:
        event.remove(database.engine, "before_cursor_execute", fail)
