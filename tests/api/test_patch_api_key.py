"""PATCH /api-keys/{id}: what changes, and when it takes effect."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from domain.api_keys.models import api_keys
from domain.clock import rfc3339
from domain.db import Database
from tests.api.client import Answer, Client
from tests.api.conftest import Cast, MakeApp
from tests.factories import Key, change_key, make_key, make_project
from tests.support.clock import NOON, StoppedClock


def change(client: Client, key: Key, **options: Any) -> Answer:
    headers = options.pop("headers", {})
    return client.call("PATCH", f"/api-keys/{key.id}", json=options, headers=headers)


def test_it_works(cast: Cast, database: Database, clock: StoppedClock) -> None:
    key = make_key(database, "creator", name="Old")
    clock.advance(minutes=1)
    chosen = {
        "name": "New", "description": "Nightly", "role": "reviewer", "tags": ["sync"], "read_per_minute": 7,
        "write_per_minute": 3, "allowed_cidrs": ["192.0.2.0/24"], "expires_at": "2099-01-01T00:00:00.000Z",
    }  # fmt: skip
    answer = change(cast.admin, key, **chosen)
    assert {name: answer.data[name] for name in chosen} == chosen
    assert (answer.data["version"], answer.data["updated_at"]) == (2, rfc3339(clock.now))
    assert "key" not in answer.data
    assert answer.data == cast.admin.get(f"/api-keys/{key.id}").data
    told = answer.audit["changes"]
    assert (told.pop("id"), told["role"]) == (key.id, {"from": "creator", "to": "reviewer"})
    assert set(told) == set(chosen)


def test_what_is_done_to_a_key_is_told_with_old_and_new_values(cast: Cast, database: Database) -> None:
    made = cast.admin.post("/api-keys", {"name": "Farm", "role": "creator", "scope": "full"})
    path = f"/api-keys/{made.data['id']}"
    assert made.audit["changes"]["id"] == made.data["id"]
    assert made.audit["changes"]["role"] == {"from": None, "to": "creator"}
    assert made.data["key"] not in repr(dict(made.audit))
    rotated = cast.admin.post(f"{path}/rotate", {"grace_seconds": 60})
    assert rotated.audit["changes"] == {
        "id": made.data["id"],
        "added": rotated.data["secrets"][0]["id"],
        "grace_seconds": 60,
    }
    for action, body, was, becomes in (
        ("suspend", {"reason": "Who is this?"}, "active", "suspended"),
        ("resume", {}, "suspended", "active"),
        ("revoke", {"reason": "Gone"}, "active", "revoked"),
    ):
        told = {"id": made.data["id"], "status": {"from": was, "to": becomes}, **body}
        assert cast.admin.post(f"{path}/{action}", body).audit["changes"] == told


def test_it_takes_effect_at_the_next_call_in_every_process(
    cast: Cast, app: Flask, make_app: MakeApp, database: Database
) -> None:
    key = make_key(database, "admin")
    doors = [Client(one, key) for one in (app, make_app())]
    for door in doors:
        assert door.get("/webhooks").status == 200
    change(cast.admin, key, role="viewer", read_per_minute=9, allowed_cidrs=["192.0.2.10"])
    for door in doors:
        door.get("/webhooks").refused(403, "forbidden")
        assert door.get("/projects").headers["X-RateLimit-Limit"] == "9"
        Client(door.app, key, "192.0.2.11").get("/projects").refused(403, "address-not-allowed")
    change(cast.admin, key, allowed_cidrs=[])
    for door in doors:
        assert Client(door.app, key, "192.0.2.11").get("/projects").status == 200


def test_what_is_given_as_it_was_changes_nothing(cast: Cast, database: Database) -> None:
    key = make_key(database, "creator", "project", [cast.project["id"]], tags=["a"])
    shown = cast.admin.get(f"/api-keys/{key.id}").data
    same = {name: shown[name] for name in ("name", "role", "scope", "project_ids", "tags", "allowed_cidrs")}
    for body in ({}, same):
        assert change(cast.admin, key, **body).data == shown


def test_projects_come_and_go_with_the_scope(cast: Cast, app: Flask, database: Database) -> None:
    key, other = make_key(database, "creator"), make_project(database)
    assert change(cast.admin, key, scope="project").refused(422, "invalid").fields == ["/project_ids"]
    assert change(cast.admin, key, scope="project", project_ids=[other["id"]]).data["project_ids"] == [other["id"]]
    assert Client(app, key).get("/projects").ids == [other["id"]]
    assert change(cast.admin, key, project_ids=[cast.project["id"]]).data["project_ids"] == [cast.project["id"]]
    assert change(cast.admin, key, scope="full").data["project_ids"] is None
    assert len(Client(app, key).get("/projects").ids) == 2


BAD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no name": ({"name": ""}, ["/name"]),
    "a role that is null": ({"role": None}, ["/role"]),
    "an unknown scope": ({"scope": "x"}, ["/scope"]),
    "a limit of nothing": ({"read_per_minute": 0, "write_per_minute": 0}, ["/read_per_minute", "/write_per_minute"]),
    "host bits": ({"allowed_cidrs": ["10.0.0.1/8"]}, ["/allowed_cidrs/0"]),
    "a bad tag": ({"tags": ["a b"]}, ["/tags/0"]),
    "an expiry that is past": ({"expires_at": rfc3339(NOON)}, ["/expires_at"]),
    "an expiry that is no time": ({"expires_at": "soon"}, ["/expires_at"]),
    "what no caller sets": ({"status": "active", "epoch": 1, "secrets": [], "version": 7, "last_used_at": None},
                            ["/status", "/epoch", "/secrets", "/version", "/last_used_at"]),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_it_refuses_a_field_that_breaks_a_rule(cast: Cast, database: Database, name: str) -> None:
    key = make_key(database)
    fields, at_fault = BAD[name]
    answer = change(cast.admin, key, description="half", **fields).refused(422, "invalid")
    assert sorted(answer.fields) == sorted(at_fault)
    with database.reading() as session:
        row = session.execute(select(api_keys).where(api_keys.c.id == key.id)).mappings().one()
    assert (row["description"], row["version"], row["epoch"]) == ("", 1, 1)


def test_an_expired_key_may_be_given_time(cast: Cast, app: Flask, database: Database, clock: StoppedClock) -> None:
    key = make_key(database, expires_at=NOON + timedelta(minutes=1))
    clock.advance(minutes=2)
    assert change(cast.admin, key, name="Late").data["status"] == "expired"
    assert change(cast.admin, key, expires_at=None).data["status"] == "active"
    assert Client(app, key).get("/me").status == 200


def test_it_honours_if_match(cast: Cast, database: Database) -> None:
    key = make_key(database)
    known = {"If-Match": cast.admin.get(f"/api-keys/{key.id}").headers["ETag"]}
    assert change(cast.admin, key, name="A", headers=known).status == 200
    change(cast.admin, key, name="B", headers=known).refused(412, "precondition-failed")


def test_nothing_changes_a_revoked_key(cast: Cast, database: Database) -> None:
    key = make_key(database)
    change_key(database, key.id, revoked_at=NOON)
    change(cast.admin, key, expires_at=None).refused(409, "conflict")


def test_a_key_that_is_bound_to_places_frees_neither_itself_nor_another(app: Flask, database: Database) -> None:
    bound, free = make_key(database, allowed_cidrs=["192.0.2.0/24"]), make_key(database)
    admin = Client(app, bound)
    change(admin, bound, allowed_cidrs=[]).refused(403, "forbidden")
    change(admin, free, role="viewer").refused(403, "forbidden")
    assert change(admin, free, description="of no account").status == 200
    assert change(admin, bound, allowed_cidrs=["192.0.2.0/25"]).status == 200


def test_it_refuses_an_unknown_one_and_everybody_but_an_admin(cast: Cast, database: Database) -> None:
    change(cast.admin, Key("key_" + "0" * 26, ""), name="x").refused(404, "not-found")
    for caller in (cast.creator, cast.viewer):
        change(caller, make_key(database), name="x").refused(403, "forbidden")
