"""An allowlist on trial: whom it names not is let in, and kept for an admin to see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from domain.api_keys.outsiders import MOST_OUTSIDERS, note_outsider, outsiders_of
from domain.db import Database
from domain.ports import UNKNOWN
from tests.api.client import Client
from tests.api.conftest import Cast, MakeApp
from tests.factories import Key, make_key
from tests.support.clock import NOON, StoppedClock
from tests.support.queries import recorded

INSIDE, OUTSIDE = "198.51.100.7", "192.0.2.10"


def on_trial(database: Database, **fields: Any) -> Key:
    return make_key(database, **{"allowed_cidrs": ["198.51.100.0/24"], "allowlist_mode": "dry_run", **fields})


def seen(database: Database, key: Key) -> list[tuple[str, int]]:
    with database.reading() as session:
        return [(row["address"], row["calls"]) for row in outsiders_of(session, key.id)]


def test_it_works(app: Flask, database: Database) -> None:
    key = on_trial(database)
    for address in (INSIDE, OUTSIDE):
        assert Client(app, key, address).get("/projects").status == 200
    assert seen(database, key) == [(OUTSIDE, 1)]


def test_it_is_refused_unless_it_is_on_trial(app: Flask, database: Database) -> None:
    key = make_key(database, allowed_cidrs=["198.51.100.0/24"])
    Client(app, key, OUTSIDE).get("/projects").refused(403, "address-not-allowed")
    assert seen(database, key) == []


def test_a_key_without_a_list_is_used_from_anywhere(app: Flask, database: Database) -> None:
    key = on_trial(database, allowed_cidrs=[])
    assert Client(app, key, OUTSIDE).get("/projects").status == 200
    assert seen(database, key) == []


@pytest.mark.parametrize("address", [UNKNOWN, ""])
def test_who_could_not_be_read_is_on_no_list(app: Flask, database: Database, cast: Cast, address: str) -> None:
    key = on_trial(database)
    assert Client(app, key, address).get("/projects").status == 200
    changed = cast.admin.call("PATCH", f"/api-keys/{key.id}", json={"allowed_cidrs": ["0.0.0.0/0", "::/0"]})
    assert changed.status == 200
    assert seen(database, key) == [(address, 1)]


def test_it_writes_once_a_minute(app: Flask, database: Database, clock: StoppedClock) -> None:
    key = on_trial(database)
    caller, other = Client(app, key, OUTSIDE), Client(app, key, "192.0.2.11")
    caller.get("/projects")
    clock.advance(seconds=30)
    with recorded(database) as statements:
        caller.get("/projects")
    assert not any("api_key_outsiders" in statement for statement in statements)
    other.get("/projects")
    clock.advance(seconds=31)
    caller.get("/projects")
    with database.reading() as session:
        rows = {row["address"]: row for row in outsiders_of(session, key.id)}
    assert {address: row["calls"] for address, row in rows.items()} == {OUTSIDE: 3, "192.0.2.11": 1}
    assert (rows[OUTSIDE]["first_at"], rows[OUTSIDE]["last_at"]) == (NOON, NOON + timedelta(seconds=61))


def test_the_addresses_of_one_network_are_one(app: Flask, database: Database) -> None:
    key = on_trial(database)
    for host in (1, 2, 3):
        Client(app, key, f"2001:db8:7::{host}").get("/projects")
    assert [address for address, _ in seen(database, key)] == ["2001:db8:7::/64"]


def test_no_more_are_kept_than_can_be_looked_at(database: Database, app: Flask) -> None:
    key = on_trial(database)
    with database.transaction() as session:
        for number in range(MOST_OUTSIDERS + 5):
            moment = NOON + timedelta(minutes=number)
            note_outsider(session, key.id, f"203.0.113.{number}", moment, moment, 1)
    kept = [address for address, _ in seen(database, key)]
    assert (len(kept), kept[0], kept[-1]) == (MOST_OUTSIDERS, "203.0.113.104", "203.0.113.5")


def test_whom_a_changed_list_names_is_forgotten(cast: Cast, app: Flask, database: Database) -> None:
    key = on_trial(database)
    for address in (OUTSIDE, "203.0.113.9", "2001:db8:7::1"):
        Client(app, key, address).get("/projects")
    cidrs = ["198.51.100.0/24", "192.0.2.0/24", "2001:db8::/32"]
    cast.admin.call("PATCH", f"/api-keys/{key.id}", json={"allowed_cidrs": cidrs})
    assert seen(database, key) == [("203.0.113.9", 1)]
    cast.admin.call("PATCH", f"/api-keys/{key.id}", json={"allowed_cidrs": []})
    assert seen(database, key) == []


def test_the_trial_begins_and_ends_with_the_next_call_everywhere(
    cast: Cast, app: Flask, make_app: MakeApp, database: Database
) -> None:
    key = on_trial(database)
    doors = [Client(one, key, OUTSIDE) for one in (app, make_app())]
    for mode, status in (("dry_run", 200), ("enforce", 403), ("dry_run", 200)):
        answer = cast.admin.call("PATCH", f"/api-keys/{key.id}", json={"allowlist_mode": mode})
        assert answer.data["allowlist_mode"] == mode
        assert [door.get("/projects").status for door in doors] == [status, status]


def test_a_bound_key_makes_none_that_is_on_trial(app: Flask, database: Database) -> None:
    """It could be used from more places than its maker."""
    maker = Client(app, make_key(database, allowed_cidrs=["192.0.2.0/24"]))
    body = {"name": "Wide", "role": "viewer", "scope": "full", "allowed_cidrs": ["192.0.2.7"]}
    assert maker.post("/api-keys", body).data["allowlist_mode"] == "enforce"
    maker.post("/api-keys", {**body, "allowlist_mode": "dry_run"}).refused(403, "forbidden")


@pytest.mark.parametrize("mode", ["off", "", None, 1])
def test_another_mode_is_refused(cast: Cast, database: Database, mode: object) -> None:
    key = on_trial(database)
    answer = cast.admin.call("PATCH", f"/api-keys/{key.id}", json={"allowlist_mode": mode})
    assert answer.refused(422, "invalid").fields == ["/allowlist_mode"]
