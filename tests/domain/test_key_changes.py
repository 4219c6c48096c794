"""Changing, rotating, suspending and resuming keys: what other processes are told, and what happens at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from domain.access import SYSTEM, Actor, Role, Scope
from domain.api_keys.commands import (
    change_key,
    resume_key,
    revoke_key,
    revoke_leaked,
    rotate_key,
    suspend_key,
)
from domain.api_keys.models import api_key_secrets, api_keys
from domain.api_keys.queries import KeyRefused, find_credential, secret_status, secrets_of
from domain.api_keys.tokens import make_token
from domain.db import Database, Session
from domain.errors import Conflict, Forbidden
from domain.signals import KeyChanged, Signal
from tests.factories import KEYRING, make_key, make_project
from tests.factories import change_key as set_columns
from tests.support.clock import NOON
from tests.support.threads import at_once

Command = Callable[[Session, str], Any]
COMMANDS: dict[str, Command] = {
    "change": lambda session, key_id: change_key(session, SYSTEM, key_id, {"read_per_minute": 7}, NOON),
    "rotate": lambda session, key_id: rotate_key(session, SYSTEM, KEYRING, key_id, NOON),
    "suspend": lambda session, key_id: suspend_key(session, SYSTEM, key_id, NOON),
    "resume": lambda session, key_id: resume_key(session, SYSTEM, key_id, NOON),
    "revoke": lambda session, key_id: revoke_key(session, SYSTEM, key_id, NOON),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_process_is_told(database: Database, name: str) -> None:
    key = make_key(database)
    if name == "resume":
        set_columns(database, key.id, suspended_at=NOON)
    heard: list[Signal] = []
    database.after_commit = heard.extend
    with database.transaction() as session:
        COMMANDS[name](session, key.id)
    assert heard == [KeyChanged(key.id, 2)]
    with database.reading() as session:
        row = session.execute(select(api_keys)).mappings().one()
    assert (row["epoch"], row["version"]) == (2, 2)


@pytest.mark.parametrize(
    ("name", "columns", "told"),
    [
        ("suspend", {}, {"status": {"from": "active", "to": "suspended"}}),
        ("suspend", {"expires_at": NOON}, {}),
        ("resume", {"suspended_at": NOON}, {"status": {"from": "suspended", "to": "active"}}),
        ("resume", {"suspended_at": NOON, "expires_at": NOON}, {}),
        ("revoke", {"suspended_at": NOON}, {"status": {"from": "suspended", "to": "revoked"}}),
        ("revoke", {"expires_at": NOON}, {"status": {"from": "expired", "to": "revoked"}}),
    ],
)
def test_it_tells_what_became_of_the_status(
    database: Database, name: str, columns: dict[str, Any], told: dict[str, Any]
) -> None:
    key = make_key(database)
    if columns:
        set_columns(database, key.id, **columns)
    with database.transaction() as session:
        assert COMMANDS[name](session, key.id) == told


def test_it_tells_the_reason(database: Database) -> None:
    key = make_key(database)
    with database.transaction() as session:
        assert suspend_key(session, SYSTEM, key.id, NOON, "lost")["reason"] == "lost"
        assert revoke_key(session, SYSTEM, key.id, NOON, "gone")["reason"] == "gone"


@pytest.mark.parametrize("name", COMMANDS)
def test_nobody_but_an_admin_may(database: Database, name: str) -> None:
    key = make_key(database)
    vi = Actor("user", "usr_1", "Vi", Role.CREATOR, Scope.FULL, None)
    calls: dict[str, Command] = {
        "change": lambda session, key_id: change_key(session, vi, key_id, {"name": "x"}, NOON),
        "rotate": lambda session, key_id: rotate_key(session, vi, KEYRING, key_id, NOON),
        "suspend": lambda session, key_id: suspend_key(session, vi, key_id, NOON),
        "resume": lambda session, key_id: resume_key(session, vi, key_id, NOON),
        "revoke": lambda session, key_id: revoke_key(session, vi, key_id, NOON),
    }
    with pytest.raises(Forbidden), database.transaction() as session:
        calls[name](session, key.id)


def test_a_change_tells_what_it_was(database: Database) -> None:
    project = make_project(database)["id"]
    key = make_key(database, "creator", expires_at=NOON + timedelta(days=1), name="Farm")
    given = {"scope": "project", "project_ids": [project], "expires_at": None, "name": " Farm "}
    with database.transaction() as session:
        changes = change_key(session, SYSTEM, key.id, given, NOON)
    assert changes == {
        "scope": {"from": "full", "to": "project"},
        "project_ids": {"from": [], "to": [project]},
        "expires_at": {"from": "2026-03-02T12:00:00.000Z", "to": None},
    }


def test_rotations_at_once_leave_one_secret_that_is_not_retired(database: Database) -> None:
    key = make_key(database)

    def rotate() -> str:
        with database.transaction() as session:
            return rotate_key(session, SYSTEM, KEYRING, key.id, NOON)[1]

    tokens = at_once(4, rotate)
    with database.reading() as session:
        found = secrets_of(session, [key.id])[key.id]
        for token in (key.token, *tokens):
            find_credential(session, token).check(KEYRING, token, NOON)
    assert sorted(secret_status(secret, NOON) for secret in found) == ["active"] + ["retiring"] * 4


def test_a_secret_stops_at_its_moment(database: Database) -> None:
    key = make_key(database)
    with database.transaction() as session:
        rotate_key(session, SYSTEM, KEYRING, key.id, NOON, 60)
    with database.reading() as session:
        credential = find_credential(session, key.token)
    credential.check(KEYRING, key.token, NOON + timedelta(seconds=60, microseconds=-1))
    with pytest.raises(KeyRefused):
        credential.check(KEYRING, key.token, NOON + timedelta(seconds=60))


def test_the_texts_are_in_no_table(database: Database) -> None:
    key = make_key(database)
    with database.transaction() as session:
        _, token = rotate_key(session, SYSTEM, KEYRING, key.id, NOON)
        rows = [dict(row) for row in session.execute(select(api_key_secrets)).mappings()]
    for text in (key.token, token):
        assert text.split("_")[2] not in repr(rows)


def test_a_leak_of_what_is_no_key_ends_nothing(database: Database) -> None:
    key = make_key(database)
    for text, reason in ((make_token()[1], "unknown"), (key.token[:-1], "malformed")):
        with pytest.raises(KeyRefused) as refusal, database.transaction() as session:
            revoke_leaked(session, KEYRING, text, NOON)
        assert refusal.value.reason == reason


def test_reports_at_once_end_it_once(database: Database) -> None:
    key = make_key(database)

    def report() -> str:
        with database.transaction() as session:
            return revoke_leaked(session, KEYRING, key.token, NOON).key_id

    assert at_once(4, report) == [key.id] * 4
    with database.transaction() as session:
        assert session.execute(select(api_keys.c.epoch)).scalar_one() == 2
        with pytest.raises(Conflict):
            revoke_key(session, SYSTEM, key.id, NOON)
