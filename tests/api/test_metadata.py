"""GET and PATCH of an entity's metadata, PUT and DELETE of one key."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from sqlalchemy import select

from domain.characters.models import CHARACTERS
from domain.db import Database, Row
from domain.entities import Kind
from domain.events.models import events
from domain.projects.models import PROJECTS
from domain.studio import KINDS
from tests.api.client import Answer, Client
from tests.api.conftest import Cast
from tests.api.test_statement_counts import statements
from tests.factories import make_asset, make_character, make_field, make_scene, make_webhook
from tests.support.threads import at_once


def entity_of(cast: Cast, database: Database, kind: Kind, **fields: Any) -> Row:
    if kind is PROJECTS:
        return cast.project
    return make_asset(database, kind, cast.project, **fields)


def send(client: Client, method: str, path: str, body: Any, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.call(method, path, json=body, headers=named)


def told(database: Database) -> list[dict[str, Any]]:
    with database.reading() as session:
        return [orjson.loads(body) for body in session.execute(select(events.c.body).order_by(events.c.seq)).scalars()]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.object)
def test_it_works(cast: Cast, database: Database, kind: Kind) -> None:
    entity = entity_of(cast, database, kind)
    client = cast.admin if kind is PROJECTS else cast.creator
    path = f"/{kind.plural}/{entity['id']}"
    empty = client.get(f"{path}/metadata")
    assert (empty.status, empty.data) == (200, {})
    assert empty.headers["ETag"] == client.get(path).headers["ETag"]
    patched = send(client, "PATCH", f"{path}/metadata", {"b": 1, "a": {"c": [True]}})
    assert (patched.status, patched.data) == (200, {"b": 1, "a": {"c": [True]}})
    put = send(client, "PUT", f"{path}/metadata/b", {"value": "x"})
    assert put.data == {"b": "x", "a": {"c": [True]}}
    gone = client.call("DELETE", f"{path}/metadata/a")
    assert (gone.status, gone.data) == (200, {"b": "x"})
    shown = client.get(path)
    assert (shown.data["metadata"], shown.data["version"]) == ({"b": "x"}, 4)
    assert gone.headers["ETag"] == shown.headers["ETag"]
    assert client.call("GET", f"{path}/metadata", headers={"If-None-Match": gone.headers["ETag"]}).status == 304


def test_its_event_tells_the_keys_that_changed(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project, metadata={"age": 34, "hat": "none", "mood": "dry"})
    path = f"/characters/{character['id']}/metadata"
    send(cast.creator, "PATCH", path, {"age": 35, "hat": None, "mood": "dry", "lamp": [1]})
    [event] = told(database)
    assert event["type"] == "metadata.updated"
    assert event["data"] == cast.creator.get(f"/characters/{character['id']}").data
    assert event["changes"] == {
        "metadata.age": {"from": 34, "to": 35},
        "metadata.hat": {"from": "none", "to": None},
        "metadata.lamp": {"from": None, "to": [1]},
    }


def test_what_changes_nothing_leaves_no_trace(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project, metadata={"age": 34})
    path = f"/characters/{character['id']}/metadata"
    for patch in ({}, {"age": 34}, {"age": 34.0}, {"gone": None}):
        assert send(cast.creator, "PATCH", path, patch).data == {"age": 34}
    assert send(cast.creator, "PUT", f"{path}/age", {"value": 34}).status == 200
    assert told(database) == []
    assert cast.creator.get(f"/characters/{character['id']}").data["version"] == 1


def test_true_is_not_one(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project, metadata={"lit": 1})
    path = f"/characters/{character['id']}/metadata"
    assert send(cast.creator, "PATCH", path, {"lit": True}).data == {"lit": True}
    assert told(database)[0]["changes"] == {"metadata.lit": {"from": 1, "to": True}}


def test_objects_are_merged_and_put_replaces_them(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project, metadata={"look": {"grade": "warm", "grain": 2}})
    path = f"/characters/{character['id']}/metadata"
    merged = cast.creator.call(
        "PATCH", path, data=b'{"look": {"grain": null, "lut": 7}}', content_type="application/merge-patch+json"
    )
    assert merged.data == {"look": {"grade": "warm", "lut": 7}}
    assert send(cast.creator, "PUT", f"{path}/look", {"value": {"grain": None}}).data == {"look": {"grain": None}}


@pytest.mark.parametrize("key", ["fps", "a.b", "Ä b", "a~b", "x" * 120, "'\"[0]"])
def test_a_key_may_be_any_text(cast: Cast, database: Database, key: str) -> None:
    character = make_character(database, cast.project)
    path = f"/characters/{character['id']}/metadata"
    assert send(cast.creator, "PUT", f"{path}/{key}", {"value": 1}).data == {key: 1}
    assert cast.creator.get("/metadata", key=key).ids == [character["id"]]
    assert cast.creator.call("DELETE", f"{path}/{key}").data == {}


def test_numbers_come_back_as_they_were(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    numbers = {"a": 1e22, "b": 2**64 - 1, "c": -(2**63), "d": 0.1, "e": 5e-324, "f": 1.5e300}
    path = f"/characters/{character['id']}/metadata"
    assert send(cast.creator, "PATCH", path, numbers).data == numbers
    assert cast.creator.get(path).data == numbers


def test_a_typed_field_is_enforced_whichever_way_it_is_written(cast: Cast, database: Database) -> None:
    make_field(database, cast.project, "scene", "fps", "integer", min=1, max=240, required=True, default=24)
    scene = make_scene(database, cast.project, metadata={"fps": 24})
    path = f"/scenes/{scene['id']}"
    refusals = [
        send(cast.creator, "PATCH", f"{path}/metadata", {"fps": 0}),
        send(cast.creator, "PUT", f"{path}/metadata/fps", {"value": 0}),
        send(cast.creator, "PATCH", path, {"metadata": {"fps": 0}}),
        cast.creator.post("/scenes", {"name": "x", "project_id": cast.project["id"], "metadata": {"fps": 0}}),
    ]
    for answer in refusals:
        answer.refused(422, "invalid")
        [error] = answer.document["errors"]
        assert (error["field"], error["code"]) == ("/metadata/fps", "min")
    made = cast.creator.post("/scenes", {"name": "x", "project_id": cast.project["id"]})
    assert made.data["metadata"] == {"fps": 24}
    assert send(cast.creator, "PATCH", f"{path}/metadata", {"fps": 25.0}).data == {"fps": 25}


def test_a_strict_project_takes_no_other_key(cast: Cast, database: Database) -> None:
    make_field(database, cast.project, "character", "age", "integer")
    character = make_character(database, cast.project, metadata={"old": 1})
    path = f"/characters/{character['id']}/metadata"
    assert send(cast.admin, "PATCH", f"/projects/{cast.project['id']}", {"strict_metadata": True}).status == 200
    refusal = send(cast.creator, "PATCH", path, {"age": 3, "aeg": 3}).refused(422, "invalid")
    assert [(error["field"], error["code"]) for error in refusal.document["errors"]] == [("/metadata/aeg", "unknown")]
    assert send(cast.creator, "PATCH", path, {"age": 3}).data == {"old": 1, "age": 3}
    assert cast.creator.call("DELETE", f"{path}/old").data == {"age": 3}


def test_every_mistake_is_named(cast: Cast, database: Database) -> None:
    make_field(database, cast.project, "character", "age", "integer")
    make_field(database, cast.project, "character", "plates", "enum_list", options=["red"])
    make_field(database, cast.project, "character", "lens", "string", required=True)
    character = make_character(database, cast.project)
    answer = send(cast.creator, "PATCH", f"/characters/{character['id']}/metadata", {"age": "3", "plates": ["x"]})
    assert sorted(answer.refused(422, "invalid").fields) == ["/metadata/age", "/metadata/lens", "/metadata/plates/0"]


@pytest.mark.parametrize("body", [[], "x", 1])
def test_it_refuses_what_is_no_object(cast: Cast, database: Database, body: Any) -> None:
    path = f"/characters/{make_character(database, cast.project)['id']}/metadata"
    send(cast.creator, "PATCH", path, body).refused(422, "invalid")


@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": 1, "x": 1}, {"x": 1}])
def test_put_takes_one_value(cast: Cast, database: Database, body: Any) -> None:
    path = f"/characters/{make_character(database, cast.project)['id']}/metadata/age"
    send(cast.creator, "PUT", path, body).refused(422, "invalid")


def test_a_key_that_is_not_there_cannot_be_removed(cast: Cast, database: Database) -> None:
    path = f"/characters/{make_character(database, cast.project)['id']}/metadata/age"
    cast.creator.call("DELETE", path).refused(404, "not-found")


def test_who_may_not_write_may_read(cast: Cast, database: Database) -> None:
    path = f"/characters/{make_character(database, cast.project)['id']}/metadata"
    for client in (cast.reviewer, cast.viewer):
        assert client.get(path).status == 200
        send(client, "PATCH", path, {"a": 1}).refused(403, "forbidden")
        send(client, "PUT", f"{path}/a", {"value": 1}).refused(403, "forbidden")
        client.call("DELETE", f"{path}/a").refused(403, "forbidden")
    cast.stranger.get(path).refused(404, "not-found")
    send(cast.stranger, "PATCH", path, {"a": 1}).refused(404, "not-found")


def test_if_match_guards_every_write(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project, metadata={"age": 34})
    path = f"/characters/{character['id']}/metadata"
    etag = cast.creator.get(path).headers["ETag"]
    fresh = send(cast.creator, "PATCH", path, {"age": 35}, If_Match=etag)
    assert fresh.status == 200
    for method, where, body in (("PATCH", "", {"age": 36}), ("PUT", "/age", {"value": 36}), ("DELETE", "/age", None)):
        send(cast.creator, method, path + where, body, If_Match=etag).refused(412, "precondition-failed")
    assert cast.creator.get(path).data == {"age": 35}
    assert send(cast.creator, "PUT", f"{path}/age", {"value": 36}, If_Match=fresh.headers["ETag"]).status == 200


def test_a_repeated_call_has_its_effect_once(cast: Cast, database: Database) -> None:
    path = f"/characters/{make_character(database, cast.project)['id']}/metadata"
    answers = [send(cast.creator, "PATCH", path, {"age": 35}, Idempotency_Key="one") for _ in range(2)]
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [None, "true"]
    assert answers[0].response.data == answers[1].response.data
    assert len(told(database)) == 1


def test_two_callers_of_different_keys_lose_nothing(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    path, callers = f"/characters/{character['id']}/metadata", iter((("left", cast.creator), ("right", cast.admin)))

    def write() -> None:
        key, client = next(callers)
        for number in range(50):
            assert client.send("PATCH", path, json={key: number, f"{key}{number}": number}).status_code == 200

    at_once(2, write)
    expected = {f"{key}{number}": number for key in ("left", "right") for number in range(50)}
    assert cast.viewer.get(path).data == expected | {"left": 49, "right": 49}
    assert cast.viewer.get(f"/characters/{character['id']}").data["version"] == 101


@pytest.mark.parametrize(("headers", "most"), [({}, 6), ({"Idempotency-Key": "one"}, 8)])
def test_it_costs_no_more_however_many_keys_and_webhooks(
    cast: Cast, database: Database, headers: dict[str, str], most: int
) -> None:
    for number in range(10):
        make_webhook(database)
        make_field(database, cast.project, "character", f"key_{number}", "integer")
    character = make_character(database, cast.project)
    assert character["project_id"] == cast.project["id"]
    path = f"/{CHARACTERS.plural}/{character['id']}/metadata"
    values = {f"key_{number}": number for number in range(10)}
    assert cast.creator.send("PATCH", path, json={"key_0": 5}).status_code == 200
    seen = statements(cast.creator, database, "PATCH", path, json=values, headers=headers)
    assert len(seen) <= most, seen


def test_what_another_process_defined_counts_at_once(cast: Cast, database: Database) -> None:
    """Rules that are remembered from the call before are out of date, in each direction."""
    path = f"/characters/{make_character(database, cast.project)['id']}/metadata"
    assert send(cast.creator, "PATCH", path, {"age": "old"}).status == 200
    send(cast.creator, "PATCH", path, {"age": None})
    field = make_field(database, cast.project, "character", "age", "integer", max=99)
    send(cast.creator, "PATCH", path, {"age": "old"}).refused(422, "invalid")
    one = f"/projects/{cast.project['id']}/metadata-fields/{field['id']}"
    assert send(cast.admin, "PATCH", one, {"max": 200}).status == 200
    assert send(cast.creator, "PATCH", path, {"age": 150}).status == 200
    assert send(cast.admin, "PATCH", f"/projects/{cast.project['id']}", {"strict_metadata": True}).status == 200
    send(cast.creator, "PATCH", path, {"other": 1}).refused(422, "invalid")
    assert send(cast.admin, "PATCH", f"/projects/{cast.project['id']}", {"strict_metadata": False}).status == 200
    assert send(cast.creator, "PATCH", path, {"other": 1}).data == {"age": 150, "other": 1}
