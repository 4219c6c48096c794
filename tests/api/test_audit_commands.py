"""`flask audit export`, and what the commands leave in the trail."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import select

from domain.audit.models import api_audit_log
from domain.db import Database
from tests.api.conftest import Cast
from tests.support.clock import StoppedClock


def run(app: Flask, *arguments: str, status: int = 0) -> str:
    """What the command writes to standard output."""
    result = app.test_cli_runner().invoke(args=arguments)
    assert result.exit_code == status, result.output
    return result.stdout_bytes.decode() if status == 0 else result.stderr


def actions(database: Database) -> dict[str, Any]:
    """The changes of every action, by its name."""
    with database.reading() as session:
        chosen = select(api_audit_log).where(api_audit_log.c.source == "cli")
        return {row["action"]: row["changes"] for row in session.execute(chosen).mappings()}


def test_it_works(app: Flask, cast: Cast, clock: StoppedClock, database: Database) -> None:
    first = cast.viewer.get("/projects").audit["id"]
    clock.advance(hours=1)
    second = cast.nobody.get("/projects").audit["id"]
    clock.advance(hours=1)
    assert [orjson.loads(line)["id"] for line in run(app, "audit", "export").splitlines()] == [second, first]
    since = run(app, "audit", "export", "--since", "2026-03-01T12:30:00Z", "--filter", "fields=id")
    assert orjson.loads(since.splitlines()[-1]) == {"id": second}
    until = run(app, "audit", "export", "--until", "2026-03-01T12:30:00Z", "--format", "csv", "--filter", "fields=id")
    assert until == f'"id"\r\n"{first}"\r\n'
    refused = run(app, "audit", "export", "--filter", "status_code[gte]=400", "--filter", "fields=id")
    assert refused == f'{{"id":"{second}"}}\n'
    told = actions(database)["audit.export"]
    assert told.pop("by")
    assert told == {"format": "ndjson", "query": {"status_code[gte]": "400", "fields": "id"}}


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [("--since", "yesterday", "at[gte]"), ("--filter", "colour=red", "colour"), ("--filter", "colour", "NAME=VALUE"),
     ("--filter", "limit=1", "limit")],
)  # fmt: skip
def test_it_says_what_is_wrong(app: Flask, option: str, value: str, named: str) -> None:
    assert named in run(app, "audit", "export", option, value, status=1)


def test_keys_and_users_leave_old_and_new_values(app: Flask, database: Database) -> None:
    email = ("--email", "ada@example.com", "--role", "reviewer", "--password", "-")
    user_id = run(app, "users", "create", *email).splitlines()[0]
    run(app, "keys", "create", "--name", "Farm", "--role", "creator", "--scope", "full", "--expires-at", "never")
    made = actions(database)["api_key.create"]
    run(app, "keys", "revoke", made["id"])
    found = actions(database)
    assert found["user.create"]["id"] == user_id
    assert found["user.create"]["role"] == {"from": None, "to": "reviewer"}
    assert made["name"] == {"from": None, "to": "Farm"}
    assert made["read_per_minute"] == {"from": None, "to": 100}
    assert found["api_key.revoke"]["status"] == {"from": "active", "to": "revoked"}
    assert "csk_" not in repr(found)
    assert all(changes["by"] for changes in found.values())
