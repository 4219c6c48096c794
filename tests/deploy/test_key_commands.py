"""`flask keys …`: what they print, what they refuse, and what they leave in the audit trail."""

from __future__ import annotations

import json
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
from tests.api.client import Client
from tests.factories import SECRET, Key, change_key, make_key, make_project
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


def noted(database: Database) -> dict[str, Any]:
    """What the audit keeps of the only action, without the account of the machine, which is never missing."""
    [(_, changes)] = actions(database)
    assert changes.pop("by")
    return changes


def untouched(database: Database, key: Key) -> bool:
    """Whether the key is as it was made, and the audit tells of nothing."""
    row = stored(database)
    return (row["id"], row["version"], row["epoch"]) == (key.id, 1, 1) and actions(database) == []


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
    for action in ("rotate", "revoke", "suspend", "resume", "change", "show"):
        result = keys(app, action, "key_" + "0" * 26)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("There is no API key")


def test_it_suspends_and_resumes(app: Flask, database: Database) -> None:
    key = make_key(database)
    door = Client(app, key)
    assert door.get("/me").status == 200
    result = keys(app, "suspend", key.id, "--reason", "Who is this?")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"{key.id} is suspended.\n")
    assert stored(database)["suspended_reason"] == "Who is this?"
    door.get("/me").refused(401, "key-suspended")
    result = keys(app, "resume", key.id)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"{key.id} is resumed.\n")
    assert door.get("/me").status == 200
    told = {"id": key.id, "name": stored(database)["name"], "by": actions(database)[0][1]["by"]}
    assert actions(database) == [
        ("api_key.suspend", {**told, "status": {"from": "active", "to": "suspended"}, "reason": "Who is this?"}),
        ("api_key.resume", {**told, "status": {"from": "suspended", "to": "active"}}),
    ]


def test_what_is_done_to_an_expired_key_is_noted_too(app: Flask, database: Database) -> None:
    """Suspended or not, it counts as expired: its status does not change."""
    key = make_key(database)
    change_key(database, key.id, expires_at=NOON)
    assert keys(app, "suspend", key.id).exit_code == 0
    assert keys(app, "resume", key.id).exit_code == 0
    assert [(action, changes["id"]) for action, changes in actions(database)] == [
        ("api_key.suspend", key.id),
        ("api_key.resume", key.id),
    ]


def test_a_change_of_less_than_a_millisecond_is_none(app: Flask, database: Database) -> None:
    key = make_key(database)
    moment = "2027-01-01T00:00:00{}Z"
    assert keys(app, "change", key.id, "--expires-at", moment.format("")).exit_code == 0
    before = stored(database)
    assert "Nothing was changed." in keys(app, "change", key.id, "--expires-at", moment.format(".000400")).stderr
    assert stored(database) == before
    assert len(actions(database)) == 1


def test_it_refuses_a_suspension_that_cannot_be(app: Flask, database: Database) -> None:
    key = make_key(database)
    result = keys(app, "resume", key.id)
    assert (result.exit_code, result.stderr) == (1, "This key is not suspended.\n")
    result = keys(app, "suspend", key.id, "--reason", "x" * 501)
    assert (result.exit_code, result.stderr) == (1, "reason: Keep the reason to 500 characters.\n")
    assert untouched(database, key)
    keys(app, "suspend", key.id)
    result = keys(app, "suspend", key.id)
    assert (result.exit_code, result.stderr) == (1, "This key is suspended already.\n")
    assert [action for action, _ in actions(database)] == ["api_key.suspend"]


def test_it_changes_what_is_given_and_nothing_else(app: Flask, database: Database) -> None:
    key = make_key(database, role="creator", name="Farm", tags=["farm"], allowed_cidrs=["10.0.0.0/8"])
    before = stored(database)
    given = ("--role", "viewer", "--tag", "lyon", "--tag", "night", "--read-per-minute", "7",
             "--expires-at", "2027-01-01T00:00:00Z")  # fmt: skip
    result = keys(app, "change", key.id, *given)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"{key.id} is changed.\n")
    after = stored(database)
    changed = {name for name, value in after.items() if value != before[name]}
    assert changed - {"version", "epoch", "updated_at"} == {"role", "tags", "read_per_minute", "expires_at"}
    assert noted(database) == {
        "id": key.id, "name": "Farm",
        "role": {"from": "creator", "to": "viewer"}, "tags": {"from": ["farm"], "to": ["lyon", "night"]},
        "read_per_minute": {"from": 100_000, "to": 7}, "expires_at": {"from": None, "to": "2027-01-01T00:00:00.000Z"},
    }  # fmt: skip


def test_it_changes_the_name_and_the_projects(app: Flask, database: Database) -> None:
    project, other = make_project(database)["id"], make_project(database)["id"]
    key = make_key(database, scope="project", project_ids=[project], name="Farm", description="Nightly")
    assert keys(app, "change", key.id, "--name", "Lyon", "--description", "", "--project", other).exit_code == 0
    assert noted(database) == {
        "id": key.id, "description": {"from": "Nightly", "to": ""},
        "name": {"from": "Farm", "to": "Lyon"}, "project_ids": {"from": [project], "to": [other]},
    }  # fmt: skip


def test_it_empties_what_may_be_empty(app: Flask, database: Database) -> None:
    ends = NOON + timedelta(days=90)
    key = make_key(database, tags=["farm"], allowed_cidrs=["10.0.0.0/8"], expires_at=ends)
    assert keys(app, "change", key.id, "--no-tag", "--no-allow-cidr", "--expires-at", "never").exit_code == 0
    row = stored(database)
    assert (row["tags"], row["allowed_cidrs"], row["expires_at"]) == ([], [], None)
    assert noted(database)["allowed_cidrs"] == {"from": ["10.0.0.0/8"], "to": []}


def test_it_says_when_nothing_was_changed(app: Flask, database: Database) -> None:
    key = make_key(database, role="creator", tags=["farm"])
    for given in ((), ("--role", "creator", "--tag", "farm", "--no-allow-cidr", "--expires-at", "never")):
        result = keys(app, "change", key.id, *given)
        assert (result.exit_code, result.stderr) == (0, "Nothing was changed.\n")
    assert untouched(database, key)


@pytest.mark.parametrize("field", REFUSED)
def test_it_refuses_a_change_that_breaks_a_rule(app: Flask, database: Database, field: str) -> None:
    key = make_key(database)
    result = keys(app, "change", key.id, "--name", "Lyon", *REFUSED[field])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"{field}: ")
    assert untouched(database, key)


def test_an_empty_range_empties_nothing(app: Flask, database: Database) -> None:
    key = make_key(database, allowed_cidrs=["10.0.0.0/8"])
    assert keys(app, "change", key.id, "--allow-cidr", "").stderr.startswith("allowed_cidrs/0: ")
    for listed, emptied in (("--allow-cidr", "--no-allow-cidr"), ("--tag", "--no-tag")):
        result = keys(app, "change", key.id, listed, "10.0.0.1", emptied)
        assert result.exit_code == 2
        assert f"Give {listed} or {emptied}, not both." in result.stderr
    assert untouched(database, key)


def test_it_refuses_to_change_a_key_that_has_ended(app: Flask, database: Database) -> None:
    key = make_key(database)
    keys(app, "revoke", key.id)
    for arguments in (("suspend",), ("resume",), ("change", "--name", "Lyon")):
        result = keys(app, *arguments, key.id)
        assert (result.exit_code, result.stderr) == (1, "This key is revoked already; nothing brings it back.\n")
    assert [action for action, _ in actions(database)] == ["api_key.revoke"]


def test_it_shows_a_key_as_the_api_does(app: Flask, database: Database) -> None:
    key = make_key(database, name="Séquence")
    result = keys(app, "show", key.id)
    assert result.exit_code == 0
    assert '\n  "name": "Séquence",\n' in result.stdout
    assert json.loads(result.stdout) == Client(app, make_key(database)).get(f"/api-keys/{key.id}").data
    assert key.token.split("_")[2] not in result.stdout
