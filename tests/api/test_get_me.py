"""GET /me: the calling key as it sees itself."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from domain.db import Database
from tests.api.client import Client
from tests.api.conftest import Cast
from tests.factories import make_key
from tests.support.clock import NOON


def test_it_works(app: Flask, database: Database, cast: Cast) -> None:
    key = make_key(
        database, "creator", "project", [cast.project["id"]], name="Render farm", expires_at=NOON + timedelta(days=1),
        read_per_minute=100, write_per_minute=20, allowed_cidrs=["192.0.2.0/24"],
    )  # fmt: skip
    answer = Client(app, key).get("/me")
    assert answer.status == 200
    assert answer.data == {
        "id": key.id,
        "object": "api_key",
        "name": "Render farm",
        "role": "creator",
        "scope": "project",
        "project_ids": [cast.project["id"]],
        "permissions": ["read", "write", "submit_jobs", "work_jobs"],
        "allowed_cidrs": ["192.0.2.0/24"],
        "allowlist_mode": "enforce",
        "expires_at": "2026-03-02T12:00:00.000Z",
        "secret_id": key.token.split("_")[1],
        "rate_limits": {
            "read": {"limit": 100, "remaining": 100, "reset_seconds": 0},
            "write": {"limit": 20, "remaining": 20, "reset_seconds": 0},
        },
    }


def test_it_tells_a_key_for_everything_that_it_is_one(cast: Cast) -> None:
    answer = cast.admin.get("/me")
    assert answer.data["project_ids"] is None
    assert answer.data["expires_at"] is None
    assert "manage_keys" in answer.data["permissions"]


def test_it_costs_no_token(app: Flask, database: Database) -> None:
    caller = Client(app, make_key(database, read_per_minute=2))
    assert [caller.get("/me").headers["X-RateLimit-Remaining"] for _ in range(4)] == ["2"] * 4


def test_it_answers_a_key_without_tokens_left(app: Flask, database: Database) -> None:
    caller = Client(app, make_key(database, read_per_minute=1))
    caller.get("/projects")
    caller.get("/projects").refused(429, "quota-exceeded")
    assert caller.get("/me").data["rate_limits"]["read"]["remaining"] == 0


def test_it_refuses_a_caller_without_a_key(cast: Cast) -> None:
    cast.nobody.get("/me").refused(401, "key-missing")
