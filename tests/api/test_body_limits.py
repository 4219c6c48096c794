"""How large a body may be: counted by us, chunked or not, and drained so that the caller can read the answer."""

from __future__ import annotations

import http.client
import io
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import pytest
from sqlalchemy import select

from api.operation import LARGEST_ENTITY
from api.request_limits import LARGEST_BODY, MOST_DRAINED
from config import ROOT
from domain.audit.models import api_audit_log
from domain.db import Database
from tests.api.client import check_headers
from tests.api.conftest import Cast
from tests.factories import SECRET, Key, make_character, make_key, make_project
from tests.support.processes import environment, free_port
from tests.support.waiting import wait_until


def of_length(length: int) -> bytes:
    """A decision, made this long by white space."""
    return b'{"decision": "approved"}'.ljust(length)


def test_it_works(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project)
    answer = cast.reviewer.post(f"/characters/{asset['id']}/approvals", of_length(LARGEST_ENTITY))
    assert (answer.status, answer.audit["bytes_in"]) == (201, LARGEST_ENTITY)


@pytest.mark.parametrize("length", [LARGEST_ENTITY + 1, LARGEST_BODY, LARGEST_BODY + 1, MOST_DRAINED + 1])
def test_it_refuses_a_body_that_is_too_large(cast: Cast, database: Database, length: int) -> None:
    asset = make_character(database, cast.project)
    path = f"/characters/{asset['id']}/approvals"
    cast.reviewer.post(path, of_length(length)).refused(413, "body-too-large")
    assert cast.viewer.get(path).data == []


def test_it_counts_a_body_whose_length_was_not_declared(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project)
    for length, status in ((LARGEST_BODY + 1, 413), (LARGEST_ENTITY, 201)):
        chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
        answer = cast.reviewer.call(
            "POST", f"/characters/{asset['id']}/approvals", input_stream=io.BytesIO(of_length(length)),
            environ=chunked, content_type="application/json",
        )  # fmt: skip
        assert answer.status == status


def test_it_refuses_a_body_that_is_cut_off(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project)
    answer = cast.reviewer.call(
        "POST", f"/characters/{asset['id']}/approvals", input_stream=io.BytesIO(of_length(100)),
        environ={"CONTENT_LENGTH": "200"}, content_type="application/json",
    )  # fmt: skip
    answer.refused(400, "bad-request")


@pytest.mark.parametrize("declared", ["\u00b2", "-1", "+5", "1e3", "0x10", "5, 5", "9" * 30])
def test_it_refuses_a_length_that_is_no_number(cast: Cast, declared: str) -> None:
    cast.admin.call("POST", "/webhooks", environ={"CONTENT_LENGTH": declared}).refused(400, "bad-request")


def test_it_refuses_a_body_with_a_read_as_well(cast: Cast) -> None:
    answer = cast.viewer.call("GET", "/projects", data=b"x" * (LARGEST_BODY + 1)).refused(413, "body-too-large")
    assert answer.audit["bytes_in"] == LARGEST_BODY + 1


def test_it_checks_the_key_before_it_reads(cast: Cast) -> None:
    body = io.BytesIO(of_length(100))
    environ = {"wsgi.input": body, "CONTENT_LENGTH": "100"}
    cast.nobody.call("POST", "/webhooks", environ=environ).refused(401, "key-missing")
    assert body.tell() == 0


@contextmanager
def served(home: Path, database_url: str, redis_url: str) -> Iterator[int]:
    """The port of the web server, as production runs it."""
    port = free_port()
    settings = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "CALLSHEET_SECRET_KEY": SECRET}
    log = home.with_name("web.log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--no-ws", "wsgi:app"],
            cwd=ROOT, env=environment(home, **settings), stdout=output, stderr=output,
        )  # fmt: skip
    try:
        wait_until(lambda: process.poll() is None and _is_up(port), 30, log.read_text)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _is_up(port: int) -> bool:
    try:
        return exchange(port, "GET", "/healthz").status == 200
    except OSError:
        return False


def exchange(
    port: int,
    method: str,
    path: str,
    key: Key | None = None,
    body: bytes = b"",
    chunk: int = 0,
    also: Mapping[str, str] = MappingProxyType({}),
) -> http.client.HTTPResponse:
    """One call over a connection of its own; the answer, read to its end. `chunk`: send in chunks of this size."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"Authorization": f"Bearer {key.token}", "Content-Type": "application/json"} if key else {}
    parts = (body[start : start + chunk] for start in range(0, len(body), chunk)) if chunk else body
    connection.request(method, path, body=parts, headers={**headers, **also}, encode_chunked=bool(chunk))
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


def test_over_a_real_connection_it_counts_every_byte(home: Path, database_url: str, redis_url: str) -> None:
    database = Database(database_url)
    key, asset = make_key(database), make_character(database, make_project(database))
    path = f"/api/v1/characters/{asset['id']}/approvals"
    with served(home, database_url, redis_url) as port:
        for length, chunk in ((LARGEST_BODY + 1, 0), (LARGEST_BODY + 1, 10_000), (3_000_000, 65_536)):
            response = exchange(port, "POST", path, key, of_length(length), chunk)
            assert response.status == 413
            check_headers(response)
        assert exchange(port, "POST", path, key, of_length(LARGEST_ENTITY + 1), 1000).status == 413
        assert exchange(port, "POST", path, key, of_length(200_000), 7).status == 201
        assert exchange(port, "GET", "/api/v1/projects?name=" + "x" * 20_000, key).status == 414
        for headers in (dict.fromkeys((f"x-{number}" for number in range(90)), "x"), {"x-long": "x" * 60_000}):
            response = exchange(port, "GET", "/api/v1/me", key, also=headers)
            assert response.status == 431
            check_headers(response)
    with database.reading() as session:
        logged = session.execute(select(api_audit_log.c.status_code).order_by(api_audit_log.c.id)).scalars().all()
    assert logged == [413, 413, 413, 413, 201, 414, 431, 431]
    database.dispose()
