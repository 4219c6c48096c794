"""Making and revoking keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from domain.access import BY_ROLE, BY_SCOPE, SYSTEM, Actor, Permission, Role, Scope
from domain.api_keys.commands import create_key, revoke_key
from domain.api_keys.models import api_key_secrets, api_keys
from domain.api_keys.queries import find_credential, load_key, status_of
from domain.api_keys.rules import HIGHEST_LIMIT, MOST_CIDRS, NewKey
from domain.db import Database
from domain.errors import Conflict, Forbidden, Invalid, NotFound
from domain.signals import KeyChanged, Signal
from tests.factories import KEYRING, change_key, make_key, make_project
from tests.support.clock import NOON


def test_it_works(database: Database) -> None:
    project = make_project(database)
    key = make_key(database, "creator", "project", [project["id"]], allowed_cidrs=[" 10.0.0.0/8 ", "2001:db8::7"])
    with database.reading() as session:
        credential = find_credential(session, key.token)
        (secret,) = session.execute(select(api_key_secrets)).mappings()
    credential.check(KEYRING, key.token, NOON)
    assert credential.key_id == key.id
    assert credential.actor.project_ids == frozenset({project["id"]})
    assert credential.allowed_cidrs == ("10.0.0.0/8", "2001:db8::7/128")
    assert secret["digest"] == KEYRING.digest(key.token)
    assert key.token.split("_")[2].encode() not in bytes(secret["digest"])


BAD_KEYS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no name": ({"name": " "}, ["/name"]),
    "a long name": ({"name": "x" * 201}, ["/name"]),
    "a NUL in the name": ({"name": "a\0b"}, ["/name"]),
    "a long description": ({"description": "x" * 2001}, ["/description"]),
    "an unknown role": ({"role": "root"}, ["/role"]),
    "an unknown scope": ({"scope": "everything"}, ["/scope"]),
    "a limit of nothing": ({"read_per_minute": 0}, ["/read_per_minute"]),
    "a limit below nothing": ({"write_per_minute": -1}, ["/write_per_minute"]),
    "a limit without end": ({"write_per_minute": HIGHEST_LIMIT + 1}, ["/write_per_minute"]),
    "an expiry that is past": ({"expires_at": NOON}, ["/expires_at"]),
    "projects without the scope": ({"project_ids": ["prj_x"]}, ["/project_ids"]),
    "the scope without projects": ({"scope": "project"}, ["/project_ids"]),
    "an unknown project": ({"scope": "project", "project_ids": ["prj_x"]}, ["/project_ids/0"]),
    "what is no range": (
        {"allowed_cidrs": ["10.0.0.0/8", "x", "10.0.0.1/8"]},
        ["/allowed_cidrs/1", "/allowed_cidrs/2"],
    ),
    "too many ranges": ({"allowed_cidrs": ["10.0.0.0/8"] * (MOST_CIDRS + 1)}, ["/allowed_cidrs"]),
}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_it_refuses_a_field_that_breaks_a_rule(database: Database, name: str) -> None:
    fields, at_fault = BAD_KEYS[name]
    with pytest.raises(Invalid) as refusal:
        make_key(database, **fields)
    assert [error.field for error in refusal.value.errors] == at_fault
    with database.reading() as session:
        assert session.execute(select(api_keys)).first() is None


def test_it_refuses_to_give_more_than_its_maker_holds(database: Database) -> None:
    project = make_project(database)["id"]
    makers = (
        Actor("user", "usr_1", "Vi", Role.VIEWER, Scope.FULL, None),
        Actor("user", "usr_1", "Pat", Role.ADMIN, Scope.PROJECT, frozenset({project})),
    )
    for maker in makers:
        with pytest.raises(Forbidden), database.transaction() as session:
            create_key(session, maker, KEYRING, NewKey("x", "viewer", "project", project_ids=[project]), NOON)


def test_it_revokes_and_says_so(database: Database) -> None:
    key = make_key(database)
    heard: list[Signal] = []
    database.after_commit = heard.extend
    with database.transaction() as session:
        revoke_key(session, SYSTEM, key.id, NOON)
    assert heard == [KeyChanged(key.id, 2)]
    with database.reading() as session:
        row = load_key(session, SYSTEM, key.id)
    assert (status_of(row, NOON), row["epoch"], row["version"]) == ("revoked", 2, 2)


def test_what_is_rolled_back_is_not_said(database: Database) -> None:
    key = make_key(database)
    heard: list[Signal] = []
    database.after_commit = heard.extend

    def revoke_twice() -> None:
        with database.transaction() as session:
            revoke_key(session, SYSTEM, key.id, NOON)
            revoke_key(session, SYSTEM, key.id, NOON)

    with pytest.raises(Conflict):
        revoke_twice()
    assert heard == []
    with database.reading() as session:
        assert status_of(load_key(session, SYSTEM, key.id), NOON) == "active"


def test_it_refuses_to_revoke_twice_or_what_is_not_there(database: Database) -> None:
    key = make_key(database)
    with database.transaction() as session:
        revoke_key(session, SYSTEM, key.id, NOON)
        with pytest.raises(Conflict):
            revoke_key(session, SYSTEM, key.id, NOON)
        with pytest.raises(NotFound):
            revoke_key(session, SYSTEM, "key_" + "0" * 26, NOON)


def test_its_status_is_the_strongest_that_holds(database: Database) -> None:
    key = make_key(database, expires_at=NOON + timedelta(hours=1))
    seen = []
    for values in ({}, {"suspended_at": NOON}, {"expires_at": NOON}, {"revoked_at": NOON}):
        if values:
            change_key(database, key.id, **values)
        with database.reading() as session:
            seen.append(status_of(load_key(session, SYSTEM, key.id), NOON))
    assert seen == ["active", "suspended", "expired", "revoked"]


# Role, then the permissions under the scopes `full`, `project` and `read_only`.
READ, WRITE, DECIDE, DEFINE = Permission.READ, Permission.WRITE, Permission.DECIDE, Permission.DEFINE_FIELDS
EVERYTHING = set(Permission)
MAKE = {WRITE, Permission.SUBMIT_JOBS, Permission.WORK_JOBS}
MATRIX: dict[Role, tuple[set[Permission], set[Permission], set[Permission]]] = {
    Role.ADMIN: (EVERYTHING, {READ, *MAKE, DECIDE, DEFINE}, {READ}),
    Role.CREATOR: ({READ, *MAKE}, {READ, *MAKE}, {READ}),
    Role.REVIEWER: ({READ, DECIDE}, {READ, DECIDE}, {READ}),
    Role.VIEWER: ({READ}, {READ}, {READ}),
}


@pytest.mark.parametrize("role", Role)
def test_what_it_may_do_is_what_role_and_scope_both_grant(role: Role) -> None:
    for scope, expected in zip((Scope.FULL, Scope.PROJECT, Scope.READ_ONLY), MATRIX[role], strict=True):
        actor = Actor("api_key", "key_1", "x", role, scope, None)
        assert {permission for permission in Permission if actor.may(permission)} == expected
        assert expected == BY_ROLE[role] & BY_SCOPE[scope]
