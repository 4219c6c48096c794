"""POST /api-keys/{id}/rotate: two secrets work for a while, then one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from domain.api_keys.rules import LONGEST_GRACE, MOST_IN_FORCE, MOST_SECRETS
from domain.clock import rfc3339
from domain.db import Database
from tests.api.client import Answer, Client
from tests.api.conftest import Cast, MakeApp
from tests.factories import Key, change_key, make_key
from tests.support.clock import NOON, StoppedClock

DAY = 24 * 3600


def rotate(cast: Cast, key: Key, **body: Any) -> Answer:
    return cast.admin.post(f"/api-keys/{key.id}/rotate", body)


def test_it_works(cast: Cast, app: Flask, database: Database, clock: StoppedClock) -> None:
    old = make_key(database)
    answer = rotate(cast, old)
    new = Key(old.id, answer.data["key"])
    current, retiring = answer.data["secrets"]
    assert (current["id"], current["status"]) == (new.token.split("_")[1], "active")
    assert (retiring["id"], retiring["status"]) == (old.token.split("_")[1], "retiring")
    assert (retiring["retired_at"], retiring["expires_at"]) == (rfc3339(NOON), rfc3339(NOON + timedelta(days=1)))
    assert (answer.data["version"], answer.headers["ETag"].split("-")[1]) == (2, "2")
    clock.advance(seconds=DAY - 1)
    assert [Client(app, key).get("/me").data["id"] for key in (old, new)] == [old.id, old.id]
    clock.advance(seconds=1)
    assert Client(app, new).get("/me").status == 200
    Client(app, old).get("/me").refused(401, "key-expired")
    assert [s["status"] for s in cast.admin.get(f"/api-keys/{old.id}").data["secrets"]] == ["active", "retired"]


def test_a_grace_of_nothing_stops_the_old_one_at_its_next_call_everywhere(
    cast: Cast, app: Flask, make_app: MakeApp, database: Database
) -> None:
    old, doors = make_key(database), (app, make_app())
    for door in doors:
        assert Client(door, old).get("/me").status == 200
    new = Key(old.id, rotate(cast, old, grace_seconds=0).data["key"])
    for door in doors:
        Client(door, old).get("/me").refused(401, "key-expired")
        assert Client(door, new).get("/me").status == 200


def test_calls_with_the_old_one_are_told_so(cast: Cast, app: Flask, database: Database) -> None:
    old = make_key(database, "viewer")
    assert not {"Deprecation", "Sunset"} & set(Client(app, old).get("/projects").headers)
    new = Key(old.id, rotate(cast, old, grace_seconds=90).data["key"])
    for path, status in (("/projects", 200), ("/webhooks", 403), ("/nonsense", 404), ("/projects?x=1", 400)):
        told = Client(app, old).call("GET", path)
        assert told.status == status
        assert told.headers["Deprecation"] == f"@{int(NOON.timestamp())}"
        assert told.headers["Sunset"] == "Sun, 01 Mar 2026 12:01:30 GMT"
        assert not {"Deprecation", "Sunset"} & set(Client(app, new).call("GET", path).headers)


def test_a_key_that_ends_sooner_ends_its_old_secret(cast: Cast, app: Flask, database: Database) -> None:
    old = make_key(database, "viewer")
    rotate(cast, old, grace_seconds=30 * DAY)
    sooner = rfc3339(NOON + timedelta(days=1))
    assert cast.admin.call("PATCH", f"/api-keys/{old.id}", json={"expires_at": sooner}).status == 200
    assert Client(app, old).get("/projects").headers["Sunset"] == "Mon, 02 Mar 2026 12:00:00 GMT"


def test_limits_and_idempotency_follow_the_key(cast: Cast, app: Flask, database: Database) -> None:
    old = make_key(database, write_per_minute=2)
    sent = {"name": "Once"}
    first = Client(app, old).post("/projects", sent, headers={"Idempotency-Key": "a"})
    new = Client(app, Key(old.id, rotate(cast, old).data["key"]))
    again = new.post("/projects", sent, headers={"Idempotency-Key": "a"})
    assert (again.data, again.headers["Idempotency-Replayed"]) == (first.data, "true")
    new.post("/projects", {"name": "Twice"}).refused(429, "quota-exceeded")


def test_its_text_is_shown_once(cast: Cast, database: Database) -> None:
    path = f"/api-keys/{make_key(database).id}/rotate"
    first, again = (cast.admin.post(path, {}, headers={"Idempotency-Key": "one"}) for _ in range(2))
    assert first.data["key"].startswith("csk_")
    assert again.data == {**first.data, "key": None}


def test_each_secret_knows_its_last_use(cast: Cast, app: Flask, database: Database, clock: StoppedClock) -> None:
    old = make_key(database)
    new = Key(old.id, rotate(cast, old).data["key"])
    Client(app, old, "198.51.100.7").get("/me")
    clock.advance(minutes=5)
    Client(app, new, "198.51.100.8").get("/me")
    data = cast.admin.get(f"/api-keys/{old.id}").data
    current, retiring = data["secrets"]
    assert (current["last_used_at"], current["last_used_ip"]) == (rfc3339(clock.now), "198.51.100.8")
    assert (retiring["last_used_at"], retiring["last_used_ip"]) == (rfc3339(NOON), "198.51.100.7")
    assert (data["last_used_at"], data["last_used_ip"]) == (rfc3339(clock.now), "198.51.100.8")


def test_no_rotation_makes_an_old_one_last_longer(cast: Cast, database: Database, clock: StoppedClock) -> None:
    key = make_key(database, expires_at=NOON + timedelta(hours=2))
    clock.advance(minutes=1)
    rotate(cast, key, grace_seconds=540)
    clock.advance(minutes=1)
    _, second, first = rotate(cast, key, grace_seconds=DAY).data["secrets"]
    assert first["expires_at"] == rfc3339(NOON + timedelta(minutes=10))
    assert second["expires_at"] == rfc3339(NOON + timedelta(hours=2))


def test_there_is_an_end_to_how_many_work_and_are_kept(cast: Cast, database: Database) -> None:
    key = make_key(database)
    for _ in range(MOST_IN_FORCE - 1):
        assert rotate(cast, key).status == 200
    rotate(cast, key).refused(409, "conflict")
    for _ in range(MOST_SECRETS):
        assert rotate(cast, key, grace_seconds=0).status == 200
    secrets = cast.admin.get(f"/api-keys/{key.id}").data["secrets"]
    assert [secret["status"] for secret in secrets] == ["active"] + ["retired"] * (MOST_SECRETS - 1)


@pytest.mark.parametrize("grace", [-1, LONGEST_GRACE + 1, "60", True, None, 0.5, []])
def test_it_refuses_a_grace_out_of_range(cast: Cast, database: Database, grace: Any) -> None:
    key = make_key(database)
    assert rotate(cast, key, grace_seconds=grace).refused(422, "invalid").fields == ["/grace_seconds"]
    assert len(cast.admin.get(f"/api-keys/{key.id}").data["secrets"]) == 1


def test_it_takes_thirty_days(cast: Cast, database: Database) -> None:
    assert rotate(cast, make_key(database), grace_seconds=LONGEST_GRACE).status == 200


@pytest.mark.parametrize("ended", ["revoked_at", "expires_at"])
def test_it_refuses_a_key_that_has_ended(cast: Cast, database: Database, ended: str) -> None:
    key = make_key(database)
    change_key(database, key.id, **{ended: NOON})
    rotate(cast, key).refused(409, "conflict")


def test_nobody_comes_by_the_text_of_a_key_that_may_do_more(app: Flask, database: Database) -> None:
    bound, free = make_key(database, allowed_cidrs=["192.0.2.0/24"]), make_key(database)
    Client(app, bound).post(f"/api-keys/{free.id}/rotate", {}).refused(403, "forbidden")
    assert Client(app, bound).post(f"/api-keys/{bound.id}/rotate", {}).status == 200
