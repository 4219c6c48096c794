"""GET /api-keys and /api-keys/{id}."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.clock import rfc3339
from domain.db import Database
from tests.api.client import Client
from tests.api.conftest import Cast
from tests.factories import change_key, make_key, make_project
from tests.support.clock import NOON, StoppedClock
from tests.support.queries import recorded


def test_it_works(cast: Cast, database: Database) -> None:
    own = sorted([cast.project["id"], make_project(database)["id"]])
    second = make_key(database, "creator", "project", own, name="b")
    first = make_key(database, "creator", "read_only", name="a")
    answer = cast.admin.get("/api-keys", **{"name[in]": "a,b"})
    assert answer.ids == [first.id, second.id]
    assert [key["project_ids"] for key in answer.data] == [None, own]
    one = cast.admin.get(f"/api-keys/{second.id}")
    assert one.data == answer.data[1]
    assert one.headers["ETag"].startswith(f'"{second.id}-1-')


@pytest.mark.parametrize("status", ["active", "suspended", "revoked", "expired"])
def test_it_is_filtered_by_status(cast: Cast, database: Database, clock: StoppedClock, status: str) -> None:
    keys = {name: make_key(database, name=name) for name in ("active", "suspended", "revoked", "expired")}
    change_key(database, keys["suspended"].id, suspended_at=NOON)
    change_key(database, keys["revoked"].id, revoked_at=NOON, suspended_at=NOON, expires_at=NOON)
    change_key(database, keys["expired"].id, suspended_at=NOON, expires_at=NOON + timedelta(minutes=1))
    change_key(database, keys["active"].id, expires_at=NOON + timedelta(minutes=1, milliseconds=1))
    clock.advance(minutes=1)
    answer = cast.admin.get("/api-keys", status=status, **{"name[in]": ",".join(keys)})
    assert answer.ids == [keys[status].id]
    assert answer.data[0]["status"] == status
    both = cast.admin.get("/api-keys", **{"status[in]": "revoked,expired", "sort": "-name"})
    assert both.ids == [keys["revoked"].id, keys["expired"].id]


def test_it_is_filtered_by_tag(cast: Cast, database: Database) -> None:
    farm = make_key(database, name="farm", tags=["farm", "0"])
    sync = make_key(database, name="sync", tags=["sync"])
    assert cast.admin.get("/api-keys", tags="farm").ids == [farm.id]
    assert cast.admin.get("/api-keys", **{"tags[in]": "farm,sync"}).ids == [farm.id, sync.id]
    for nothing in ("1", "far", "tags"):
        assert cast.admin.get("/api-keys", tags=nothing).ids == []


def test_it_is_sorted_sparse_and_counted(cast: Cast, database: Database) -> None:
    low = make_key(database, read_per_minute=1)
    answer = cast.admin.get("/api-keys", sort="read_per_minute", fields="id,secrets", limit=1, total="true")
    assert answer.ids == [low.id]
    assert set(answer.data[0]) == {"id", "secrets"}
    assert answer.document["page"]["total"] == 2
    assert cast.admin.get(f"/api-keys/{low.id}", fields="name").data.keys() == {"name"}


@pytest.mark.parametrize("query", ["status=x", "role=root", "tags[gt]=a", "sort=status", "epoch=1", "fields=digest"])
def test_it_refuses_what_is_no_question(cast: Cast, query: str) -> None:
    cast.admin.call("GET", f"/api-keys?{query}").refused(400, "bad-query")


def test_it_costs_the_same_for_one_and_for_twenty(cast: Cast, database: Database) -> None:
    counts = []
    for number in (1, 19):
        for _ in range(number):
            make_key(database, "creator", "project", [cast.project["id"]])
        cast.admin.get("/me")
        with recorded(database) as seen:
            cast.admin.send("GET", "/api-keys?role=creator")
        counts.append(len([statement for statement in seen if "api_key_secrets.digest" not in statement]))
    assert counts == [4, 4]  # keys, projects, secrets, audit


def test_its_tag_changes_with_its_last_use(cast: Cast, database: Database) -> None:
    key = make_key(database)
    before = cast.admin.get(f"/api-keys/{key.id}").headers["ETag"]
    Client(cast.admin.app, key, "198.51.100.7").get("/me")
    answer = cast.admin.call("GET", f"/api-keys/{key.id}", headers={"If-None-Match": before})
    assert (answer.status, answer.data["last_used_at"], answer.data["last_used_ip"]) == (
        200, rfc3339(NOON), "198.51.100.7",
    )  # fmt: skip


def test_a_use_is_noted_once_a_minute(cast: Cast, database: Database, clock: StoppedClock) -> None:
    caller = Client(cast.admin.app, make_key(database))
    with recorded(database) as seen:
        for _ in range(5):
            caller.get("/me")
        clock.advance(seconds=60)
        caller.get("/me")
    assert len([statement for statement in seen if statement.startswith("UPDATE api_key_secrets")]) == 2


def test_it_refuses_an_unknown_one_and_everybody_but_an_admin(cast: Cast, database: Database) -> None:
    key = make_key(database)
    for key_id in ("key_" + "0" * 26, "nonsense", "%00", cast.project["id"]):
        cast.admin.get(f"/api-keys/{key_id}").refused(404, "not-found")
    for caller in (cast.creator, cast.reviewer, cast.viewer):
        for path in ("/api-keys", f"/api-keys/{key.id}", "/api-keys/nonsense"):
            caller.get(path).refused(403, "forbidden")
