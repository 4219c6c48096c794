"""`flask keys …`: what they print, what they refuse, and what they leave in the audit trail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from app import build_services, create_app
from config import Settings
from domain.api_keys.models import api_keys
from domain.api_keys.queries import find_credential
from domain.audit.models import api_audit_log
from domain.db import Database
from tests.factories import SECRET, make_project
from tests.support.clock import NOON, StoppedClock

CREATE = ("create", "--name", "Farm", "--role", "creator")


@pytest.fixture
def app(database_url: str, redis_url: str, home: Path) -> Iterator[Flask]:
    environ = {"CALLSHEET_HOME": str(home), "CALLSHEET_SECRET_KEY": SECRET, "CALLSHEET_KEY_DAYS": "90"}
    settings = Settings.from_env({**environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url})
    services = build_services(settings, StoppedClock())
    yield create_app(settings, services)
    services.database.dispose()


def keys(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["keys", *arguments])


def stored(database: Database) -> dict[str, Any]:
    with database.reading() as session:
        return dict(session.execute(select(api_keys)).mappings().one())


def actions(database: Database) -> list[tuple[str, dict[str, Any]]]:
    with database.reading() as session:
        chosen = select(api_audit_log.c.action, api_audit_log.c.changes).where(api_audit_log.c.source == "cli")
        return [(row.action, row.changes) for row in session.execute(chosen.order_by(api_audit_log.c.id))]


def test_it_creates_a_key_and_prints_it_alone(app: Flask, database: Database) -> None:
    project = make_project(database)["id"]
    chosen = ("--scope", "project", "--project", project,
              "--tag", "farm", "--tag", "lyon", "--allow-cidr", "10.0.0.0/8", "--allowlist-mode", "dry_run",
              "--read-per-minute", "7", "--write-per-minute", "3", "--description", "Nightly")  # fmt: skip
    result = keys(app, *CREATE, *chosen)
    token, row = result.stdout.strip(), stored(database)
    assert (result.exit_code, result.stdout) == (0, f"{token}\n")
    assert row["id"] in result.stderr
    with database.reading() as session:
        credential = find_credential(session, token)
    assert credential.actor.project_ids == frozenset({project})
    assert (row["tags"], row["allowed_cidrs"], row["description"]) == (["farm", "lyon"], ["10.0.0.0/8"], "Nightly")
    assert (row["read_per_minute"], row["write_per_minute"], row["allowlist_mode"]) == (7, 3, "dry_run")
    assert row["expires_at"] == NOON + timedelta(days=90)
    [(action, changes)] = actions(database)
    assert (action, changes["name"]["to"], changes["tags"]["to"]) == ("api_key.create", "Farm", ["farm", "lyon"])
    assert token.split("_")[2] not in repr(changes)


def test_never_is_a_deliberate_choice(app: Flask, database: Database) -> None:
    assert keys(app, *CREATE, "--scope", "full", "--expires-at", "never").exit_code == 0
    assert stored(database)["expires_at"] is None


REFUSED = {
    "expires_at": ("--expires-at", "soon"), "allowed_cidrs/0": ("--allow-cidr", "10.0.0.1/8"),
    "tags/0": ("--tag", "a b"), "read_per_minute": ("--read-per-minute", "0"), "project_ids": ("--project", "prj_x"),
}  # fmt: skip


@pytest.mark.parametrize("field", REFUSED)
def test_it_refuses_a_field_that_breaks_a_rule(app: Flask, database: Database, field: str) -> None:
    result = keys(app, *CREATE, "--scope", "full", *REFUSED[field])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"{field}: ")
    assert actions(database) == []


def test_it_rotates_lists_and_revokes(app: Flask, database: Database) -> None:
    old = keys(app, *CREATE, "--scope", "full").stdout.strip()
    key_id = stored(database)["id"]
    rotated = keys(app, "rotate", key_id, "--grace-seconds", "60")
    new = rotated.stdout.strip()
    with database.reading() as session:
        assert find_credential(session, old).sunset == NOON + timedelta(seconds=60)
        assert find_credential(session, new).sunset is None
    line = keys(app, "list").stdout
    assert line == f"{key_id}\tactive\tcreator\tfull\t2026-05-30T12:00:00Z\tnever\tFarm\n"
    assert keys(app, "list", "--status", "revoked").stdout == ""
    assert keys(app, "revoke", key_id, "--reason", "Sold.").exit_code == 0
    assert keys(app, "list", "--status", "revoked").stdout.startswith(key_id)
    assert stored(database)["revoked_reason"] == "Sold."
    again = keys(app, "revoke", key_id)
    assert (again.exit_code, again.stderr) == (1, "This key is revoked already; nothing brings it back.\n")
    assert [action for action, _ in actions(database)] == ["api_key.create", "api_key.rotate", "api_key.revoke"]
    assert actions(database)[1][1]["grace_seconds"] == 60


def test_it_refuses_a_key_that_is_not_there(app: Flask) -> None:
    for action in ("rotate", "revoke"):
        result = keys(app, action, "key_" + "0" * 26)
        assert (result.exit_code, result.stdout) == (1, "")
