"""Users, their passwords and their sessions."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from domain.access import Actor, Permission, Role, Scope
from domain.accounts.commands import create_user
from domain.accounts.models import sessions, users
from domain.accounts.passwords import LONGEST, SHORTEST, hash_password, verify_password
from domain.accounts.queries import actor_of, find_by_email, find_user
from domain.accounts.sessions import IDLE, end_session, find_session, prune_sessions, save_session, touch_session
from domain.accounts.sessions import LONGEST as LONGEST_SESSION
from domain.db import Database
from domain.errors import Forbidden, Invalid
from tests.factories import PASSWORD, make_project, make_user
from tests.support.clock import NOON

VIEWER = Actor("user", "usr_1", "Vi", Role.VIEWER, Scope.FULL, None)


def test_it_works(database: Database) -> None:
    project = make_project(database)
    user = make_user(database, "reviewer", [project["id"]], email="  Ada@Example.COM ")
    with database.reading() as session:
        found = find_by_email(session, "ADA@example.com")
        assert found is not None
        assert found["id"] == user["id"]
        assert found["password_hash"].startswith("$argon2id$")
        assert verify_password(found["password_hash"], PASSWORD)
        actor = actor_of(session, found)
        shown = find_user(session, user["id"])
    assert shown is not None
    assert "password_hash" not in shown
    assert (actor.role, actor.scope, actor.project_ids) == (Role.REVIEWER, Scope.PROJECT, frozenset({project["id"]}))
    assert actor.may(Permission.DECIDE)
    assert not actor.may(Permission.MANAGE_KEYS)


def test_a_hash_costs_what_rfc_9106_recommends() -> None:
    """In a process of its own, for the tests' is made quick."""
    code = f"from domain.accounts.passwords import hash_password; print(hash_password({PASSWORD!r}))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


BAD_USERS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no address": ({"email": "ada"}, ["/email"]),
    "an address of spaces": ({"email": "a b@example.com"}, ["/email"]),
    "a long address": ({"email": "a" * 250 + "@example.com"}, ["/email"]),
    "no name": ({"name": "  "}, ["/name"]),
    "a long name": ({"name": "x" * 201}, ["/name"]),
    "a short password": ({"password": "x" * (SHORTEST - 1)}, ["/password"]),
    "a long password": ({"password": "x" * (LONGEST + 1)}, ["/password"]),
    "an unknown role": ({"role": "root"}, ["/role"]),
    "an unknown project": ({"project_ids": ["prj_nonsense"]}, ["/project_ids/0"]),
    "all at once": (
        {"email": "", "name": "", "password": "", "role": ""},
        ["/email", "/name", "/password", "/role"],
    ),
}


@pytest.mark.parametrize("name", BAD_USERS)
def test_it_refuses_a_field_that_breaks_a_rule(database: Database, name: str) -> None:
    fields, at_fault = BAD_USERS[name]
    with pytest.raises(Invalid) as refusal:
        make_user(database, **fields)
    assert [error.field for error in refusal.value.errors] == at_fault


def test_it_refuses_an_address_that_is_taken(database: Database) -> None:
    make_user(database, email="ada@example.com")
    with pytest.raises(Invalid) as refusal:
        make_user(database, email="ADA@example.com")
    assert refusal.value.errors[0].code == "taken"


def test_it_refuses_who_may_not_manage_users(database: Database) -> None:
    with pytest.raises(Forbidden), database.transaction() as session:
        create_user(
            session, VIEWER, email="a@b.cd", name="A", password=PASSWORD, role="viewer", project_ids=None, now=NOON
        )
    with database.reading() as session:
        assert session.execute(select(users)).first() is None


def test_it_refuses_another_password_and_a_user_who_is_not_there() -> None:
    stored = hash_password(PASSWORD)
    assert not verify_password(stored, PASSWORD + " ")
    assert not verify_password(None, PASSWORD)
    assert not verify_password(None, "nobody has this password")
    assert not verify_password("not a hash", PASSWORD)


def test_a_session_lives_until_it_is_idle_or_old(database: Database) -> None:
    user = make_user(database)
    with database.transaction() as session:
        save_session(session, "token", user["id"], {"a": 1}, NOON)
        row = find_session(session, "token", NOON + IDLE - timedelta(seconds=1))
        assert row is not None
        assert row["data"] == {"a": 1}
        assert find_session(session, "token", NOON + IDLE) is None
        assert find_session(session, "Token", NOON) is None
        for hours in range(7, 7 * 24, 7):
            touch_session(session, "token", NOON + timedelta(hours=hours))
        assert find_session(session, "token", NOON + LONGEST_SESSION - timedelta(seconds=1)) is not None
        assert find_session(session, "token", NOON + LONGEST_SESSION) is None
        assert prune_sessions(session, NOON + timedelta(hours=7)) == 0
        assert prune_sessions(session, NOON + LONGEST_SESSION) == 1


def test_a_session_that_ended_opens_nothing(database: Database) -> None:
    user = make_user(database)
    with database.transaction() as session:
        save_session(session, "token", user["id"], {}, NOON)
        end_session(session, "token")
        assert find_session(session, "token", NOON) is None


def test_a_session_that_ended_is_not_brought_back_by_who_still_has_it(database: Database) -> None:
    user = make_user(database)
    with database.transaction() as session:
        save_session(session, "token", user["id"], {}, NOON)
        end_session(session, "token")
        save_session(session, "token", user["id"], {"a": 1}, NOON, created_at=NOON)
        assert find_session(session, "token", NOON) is None


def test_the_table_of_sessions_holds_no_token(database: Database) -> None:
    user = make_user(database)
    with database.transaction() as session:
        save_session(session, "token", user["id"], {}, NOON)
        (row,) = session.execute(select(sessions)).mappings()
    assert "token" not in repr(dict(row))
