"""What a call takes of its bucket: one token, none, or one for each operation of a batch."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from domain.db import Database
from tests.api.client import Answer, Client
from tests.factories import make_key, make_project

MANY = 500


def batch(caller: Client, project: str, count: int, **fields: Any) -> Answer:
    body = {"project_id": project, "name": "Mara Voss"}
    operations = [{"method": "POST", "path": "/characters", "body": body} for _ in range(count)]
    return caller.post("/batch", {"operations": operations, **fields})


def left(caller: Client) -> tuple[int, int]:
    """Reads and writes."""
    limits = caller.get("/me").data["rate_limits"]
    return limits["read"]["remaining"], limits["write"]["remaining"]


@pytest.fixture
def project(database: Database) -> str:
    return str(make_project(database)["id"])


@pytest.fixture
def caller(app: Flask, database: Database) -> Client:
    return Client(app, make_key(database, read_per_minute=30, write_per_minute=20))


def test_it_works(caller: Client, project: str) -> None:
    answer = batch(caller, project, 3)
    assert (answer.status, answer.headers["X-RateLimit-Remaining"]) == (200, "17")
    assert left(caller) == (30, 17)


def test_a_dry_run_takes_reads(caller: Client, project: str) -> None:
    answer = batch(caller, project, 3, dry_run=True)
    assert answer.headers["RateLimit-Policy"] == '"read";q=30;w=60'
    assert left(caller) == (27, 20)


def test_the_calling_key_is_told_for_nothing(caller: Client) -> None:
    assert [left(caller) for _ in range(3)] == [(30, 20)] * 3
    caller.call("POST", "/me").refused(405, "method-not-allowed")
    caller.call("OPTIONS", "/me")
    assert left(caller) == (29, 19)


def test_a_batch_larger_than_the_bucket_takes_all_of_it(caller: Client, project: str) -> None:
    answer = batch(caller, project, MANY)
    assert (answer.status, answer.headers["X-RateLimit-Remaining"]) == (200, "0")
    assert batch(caller, project, MANY).refused(429, "quota-exceeded").headers["Retry-After"] == "60"
    assert batch(caller, project, 4).refused(429, "quota-exceeded").headers["Retry-After"] == "12"


def test_what_is_refused_takes_nothing(caller: Client, project: str) -> None:
    batch(caller, project, 12)
    answer = batch(caller, project, 10).refused(429, "quota-exceeded")
    assert (answer.headers["X-RateLimit-Remaining"], answer.headers["Retry-After"]) == ("8", "6")
    assert answer.audit["rate_limit"] == "write 8/20"
    assert batch(caller, project, 8).status == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"operations": 5}', b'{"operations": []}', b'{"dry_run": 1}'])
def test_what_is_no_batch_costs_one(caller: Client, body: bytes) -> None:
    assert caller.post("/batch", body).status in (400, 422)
    assert left(caller) == (30, 19)
