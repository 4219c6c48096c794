"""POST /characters/{id}/approvals, and the same of scenes and segments: the decision, its event, its deliveries."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from sqlalchemy import RowMapping, Table, select

from domain.approvals.commands import LONGEST_NOTE, possible_decisions
from domain.approvals.models import DECISIONS, approvals
from domain.characters.models import CHARACTERS
from domain.db import Database
from domain.deliveries.models import webhook_deliveries
from domain.entities import ASSET_STATUSES, Kind
from domain.events.models import events
from domain.studio import ASSETS
from tests.api.client import Answer, Client
from tests.api.conftest import Cast
from tests.factories import make_asset, make_character, make_webhook, shown
from tests.support.clock import StoppedClock
from tests.support.threads import at_once


def rows_of(database: Database, table: Table) -> list[RowMapping]:
    with database.reading() as session:
        return list(session.execute(select(table)).mappings())


def decide(client: Client, asset_id: str, decision: Any = "approved", **options: Any) -> Answer:
    body = {"decision": decision, **options.pop("also", {})}
    return client.post(f"/characters/{asset_id}/approvals", body, **options)


@pytest.mark.parametrize("kind", ASSETS, ids=lambda kind: kind.object)
def test_it_works(cast: Cast, database: Database, clock: StoppedClock, kind: Kind) -> None:
    asset = make_asset(database, kind, cast.project, metadata={"costume": "oilskin"}, external_ids={"kitsu": "7"})
    hook = make_webhook(database, ["asset.*"])
    now = clock.advance(hours=1)
    path = f"/{kind.plural}/{asset['id']}/approvals"
    answer = cast.reviewer.post(path, {"decision": "approved", "note": "Ship it."})

    assert answer.status == 201
    assert answer.headers["Location"] == f"/api/v1{path}"
    key = cast.reviewer.get("/me").data
    who = {"type": "api_key", "id": key["id"], "name": key["name"]}
    moment = "2026-03-01T13:00:00.000Z"
    assert answer.data == {
        "id": answer.data["id"],
        "object": "approval",
        "project_id": cast.project["id"],
        "asset": {"object": kind.object, "id": asset["id"]},
        "decision": "approved",
        "note": "Ship it.",
        "take_id": None,
        "decided_by": who,
        "created_at": moment,
        "updated_at": moment,
        "version": 1,
    }
    after = cast.reviewer.get(f"/{kind.plural}/{asset['id']}").data
    assert after == shown(kind, {**asset, "status": "approved", "version": 2, "updated_at": now})

    (event,) = rows_of(database, events)
    assert orjson.loads(event["body"]) == {
        "id": event["id"],
        "type": "asset.approved",
        "version": "v1",
        "timestamp": moment,
        "project_id": cast.project["id"],
        "actor": who,
        "request_id": answer.headers["X-Request-Id"],
        "data": after,
        "changes": {"status": {"from": "in_review", "to": "approved"}},
    }
    (delivery,) = rows_of(database, webhook_deliveries)
    assert (delivery["webhook_id"], delivery["event_id"]) == (hook.id, event["id"])
    assert (delivery["status"], delivery["event_type"]) == ("pending", "asset.approved")


@pytest.mark.parametrize("decision", DECISIONS)
@pytest.mark.parametrize("status", ASSET_STATUSES)
def test_it_moves_an_asset_as_the_table_of_statuses_says(
    cast: Cast, database: Database, status: str, decision: str
) -> None:
    asset = make_character(database, cast.project, status=status)
    answer = decide(cast.reviewer, asset["id"], decision)
    allowed = list(possible_decisions(status))
    if decision in allowed:
        assert answer.status == 201
        (event,) = rows_of(database, events)
        assert orjson.loads(event["body"])["changes"] == {"status": {"from": status, "to": decision}}
        return
    answer.refused(409, "conflict")
    assert answer.document.get("allowed", []) == allowed
    assert all(name in answer.document["detail"] for name in allowed)
    assert rows_of(database, events) == rows_of(database, approvals) == []


def test_it_writes_a_thin_body_of_ids_and_links_alone(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project)
    decide(cast.reviewer, asset["id"])
    thin = orjson.loads(rows_of(database, events)[0]["thin_body"])
    link = {"self": f"/api/v1/characters/{asset['id']}"}
    assert thin["version"] == "v1-thin"
    assert thin["data"] == {"object": "character", "id": asset["id"], "links": link}
    assert "changes" not in thin


def test_it_sends_the_thin_form_of_what_is_too_large(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project, description="x" * 70_000)
    decide(cast.reviewer, asset["id"])
    event = rows_of(database, events)[0]
    body = orjson.loads(event["body"])
    assert body["truncated"] is True
    assert body["data"].keys() == {"object", "id", "links"}
    assert len(event["body"]) < 64 * 1024


def test_it_calls_for_a_delivery_to_each_webhook_that_asked(cast: Cast, database: Database) -> None:
    wanted = [
        make_webhook(database, ["asset.approved"]),
        make_webhook(database, ["*"], [cast.project["id"]]),
        make_webhook(database, ["character.updated", "asset.*"]),
    ]
    for types, projects in ((["asset.rejected"], None), (["*"], [cast.foreign_project["id"]])):
        make_webhook(database, types, projects)
    make_webhook(database, ["*"], enabled=False)
    decide(cast.reviewer, make_character(database, cast.project)["id"])
    assert {row["webhook_id"] for row in rows_of(database, webhook_deliveries)} == {hook.id for hook in wanted}


def test_two_who_decide_at_once_decide_one_after_the_other(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project)
    cast.reviewer.get("/me")
    path = f"/characters/{asset['id']}/approvals"
    answers = at_once(2, lambda: cast.reviewer.send("POST", path, json={"decision": "approved"}).status_code)
    assert sorted(answers) == [201, 409]
    assert len(rows_of(database, events)) == len(rows_of(database, approvals)) == 1
    assert cast.viewer.get(f"/characters/{asset['id']}").data["version"] == 2


def test_its_note_may_hold_any_text(cast: Cast, database: Database) -> None:
    note = "“Très bien” 🎬\n\t<script>alert(1)</script> \u202e" + "x" * 100
    assert decide(cast.reviewer, make_character(database, cast.project)["id"], also={"note": note}).data["note"] == note


BAD_BODIES: dict[str, tuple[object, list[str]]] = {
    "nothing": ({}, ["/decision"]),
    "a decision there is not": ({"decision": "archived"}, ["/decision"]),
    "a decision that is no text": ({"decision": 1}, ["/decision"]),
    "no decision": ({"decision": None}, ["/decision"]),
    "a list of decisions": ({"decision": ["approved"]}, ["/decision"]),
    "a note that is no text": ({"decision": "approved", "note": {}}, ["/note"]),
    "a null note": ({"decision": "approved", "note": None}, ["/note"]),
    "a note that is too long": ({"decision": "approved", "note": "x" * (LONGEST_NOTE + 1)}, ["/note"]),
    "an unknown field": ({"decision": "approved", "status": "approved"}, ["/status"]),
    "a field that needs escaping": ({"decision": "approved", "a/b~c": 1}, ["/a~1b~0c"]),
    "several mistakes": ({"decision": 1, "note": 1}, ["/decision", "/note"]),
    "a list": ([], [""]),
    "a text": ("approved", [""]),
    "null": (None, [""]),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_it_refuses_a_body_that_breaks_a_rule(cast: Cast, database: Database, name: str) -> None:
    body, fields = BAD_BODIES[name]
    asset = make_character(database, cast.project)
    answer = cast.reviewer.post(f"/characters/{asset['id']}/approvals", body).refused(422, "invalid")
    assert answer.fields == fields
    assert rows_of(database, events) == []


def test_it_refuses_an_empty_body(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project)
    answer = cast.reviewer.post(f"/characters/{asset['id']}/approvals", b"").refused(422, "invalid")
    assert answer.document["errors"][0]["code"] == "required"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_it_refuses_what_is_not_sent_as_json(cast: Cast, database: Database, content_type: str) -> None:
    asset = make_character(database, cast.project)
    decide(cast.reviewer, asset["id"], content_type=content_type).refused(415, "unsupported-media-type")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/merge-patch+json", ""])
def test_it_takes_every_name_of_json(cast: Cast, database: Database, content_type: str) -> None:
    assert decide(cast.reviewer, make_character(database, cast.project)["id"], content_type=content_type).status == 201


def test_it_refuses_who_may_only_read_or_write(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project)
    for caller in (cast.viewer, cast.creator):
        decide(caller, asset["id"]).refused(403, "forbidden")
    assert cast.viewer.get(f"/characters/{asset['id']}").data["version"] == 1


def test_it_refuses_a_key_of_another_project(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project)
    decide(cast.stranger, asset["id"]).refused(404, "not-found")


def test_it_refuses_in_the_order_of_the_contract(cast: Cast, database: Database) -> None:
    """404 before 403, 403 before 400 and 422, these before 409."""
    foreign = make_character(database, cast.foreign_project)
    ours, draft = make_character(database, cast.project), make_character(database, cast.project, status="draft")
    decide(cast.creator, foreign["id"]).refused(404, "not-found")
    cast.creator.post(f"/characters/{ours['id']}/approvals", b"{").refused(403, "forbidden")
    cast.creator.post(f"/characters/{ours['id']}/approvals", {}).refused(403, "forbidden")
    cast.reviewer.post(f"/characters/{draft['id']}/approvals", b"{").refused(400, "malformed-json")
    decide(cast.reviewer, draft["id"], "nonsense").refused(422, "invalid")
    decide(cast.reviewer, draft["id"]).refused(409, "conflict")


@pytest.mark.parametrize("kind", ASSETS, ids=lambda kind: kind.object)
def test_it_refuses_the_id_of_another_noun(cast: Cast, database: Database, kind: Kind) -> None:
    other = next(noun for noun in ASSETS if noun is not kind)
    asset = make_asset(database, other, cast.project)
    cast.reviewer.post(f"/{kind.plural}/{asset['id']}/approvals", {"decision": "approved"}).refused(404, "not-found")


def test_its_audit_row_holds_what_was_sent(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project)
    entry = decide(cast.reviewer, asset["id"], also={"note": "Fine."}).audit
    assert entry["params"] == {"body": {"decision": "approved", "note": "Fine."}}
    assert entry["route"] == f"/api/v1/{CHARACTERS.plural}/{{id}}/approvals"
    assert entry["path"] == f"/api/v1/characters/{asset['id']}/approvals"
    assert entry["bytes_in"] > 0
