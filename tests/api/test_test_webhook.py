"""POST /webhooks/{id}/test, GET /webhooks/{id}/deliveries and GET /deliveries/{id}."""

from __future__ import annotations

import orjson
import pytest
from sqlalchemy import select

from domain.db import Database
from domain.deliveries.recording import Attempt, Outcome, record
from domain.events.catalogue import TYPES
from domain.events.models import events
from tests.api.conftest import Cast
from tests.factories import make_webhook
from tests.support.claiming import claim_due
from tests.support.clock import NOON


def test_it_works(cast: Cast, database: Database) -> None:
    hook = make_webhook(database, ["asset.approved"])
    make_webhook(database, ["webhook.test", "*"])
    answer = cast.admin.post(f"/webhooks/{hook.id}/test", b"")
    assert answer.status == 202
    assert answer.data == {
        "id": answer.data["id"],
        "object": "delivery",
        "webhook_id": hook.id,
        "event_id": answer.data["event_id"],
        "event_type": "webhook.test",
        "status": "pending",
        "attempts_count": 0,
        "next_attempt_at": "2026-03-01T12:00:00.000Z",
        "last_status_code": None,
        "created_at": "2026-03-01T12:00:00.000Z",
        "finished_at": None,
    }
    assert cast.admin.get(f"/webhooks/{hook.id}/deliveries").data == [answer.data]
    assert cast.admin.get(f"/deliveries/{answer.data['id']}").data == {**answer.data, "attempts": []}


@pytest.mark.parametrize("event_type", TYPES)
def test_it_sends_an_example_of_every_event_type(cast: Cast, database: Database, event_type: str) -> None:
    hook = make_webhook(database)
    answer = cast.admin.post(f"/webhooks/{hook.id}/test", {"event_type": event_type})
    with database.reading() as session:
        event = session.execute(select(events)).mappings().one()
    body = orjson.loads(event["body"])
    assert answer.data["event_type"] == body["type"] == event_type
    assert body["data"]["object"] == event["entity_object"]
    assert event["is_test"]


def test_it_shows_the_attempts_of_a_delivery(cast: Cast, database: Database) -> None:
    hook = make_webhook(database)
    delivery_id = cast.admin.post(f"/webhooks/{hook.id}/test", {}).data["id"]
    with database.transaction() as session:
        (claimed,) = claim_due(session, NOON, 10)
        attempt = Attempt(claimed, NOON, 12, 500, None, "The receiver answered 500.", "93.184.216.34:443",
                          {"webhook-id": claimed.event_id}, {"Server": "x"}, "oops")  # fmt: skip
        record(session, [Outcome(attempt, "pending", NOON.replace(second=5))], NOON)
    data = cast.admin.get(f"/deliveries/{delivery_id}").data
    assert (data["status"], data["attempts_count"], data["last_status_code"]) == ("pending", 1, 500)
    assert data["next_attempt_at"] == "2026-03-01T12:00:05.000Z"
    assert data["attempts"] == [
        {
            "number": 1,
            "started_at": "2026-03-01T12:00:00.000Z",
            "duration_ms": 12,
            "address": "93.184.216.34:443",
            "status_code": 500,
            "error": None,
            "message": "The receiver answered 500.",
            "details": None,
            "request_headers": {"webhook-id": claimed.event_id},
            "response_headers": {"Server": "x"},
            "response_body": "oops",
        }
    ]


def test_it_shows_the_connection_of_a_traced_attempt(cast: Cast, database: Database) -> None:
    hook = make_webhook(database)
    delivery_id = cast.admin.post(f"/webhooks/{hook.id}/test", {}).data["id"]
    tls = {"version": "TLSv1.3", "cipher": "x", "issuer": "y", "expires_at": "2099-01-01T00:00:00.000Z"}
    details = {"dns": ["192.0.2.7"], "address": "192.0.2.7:443", "tls": tls, "phases": {"dns": 1.25, "connect": 10.0}}
    with database.transaction() as session:
        (claimed,) = claim_due(session, NOON, 10)
        record(session, [Outcome(Attempt(claimed, NOON, 12, 200, None, "", details=details), "delivered", NOON)], NOON)
    (attempt,) = cast.admin.get(f"/deliveries/{delivery_id}").data["attempts"]
    assert attempt["details"] == details


def test_it_refuses_an_unknown_event_type(cast: Cast, database: Database) -> None:
    hook = make_webhook(database)
    answer = cast.admin.post(f"/webhooks/{hook.id}/test", {"event_type": "asset.*"}).refused(422, "invalid")
    assert answer.fields == ["/event_type"]


def test_it_refuses_a_disabled_webhook(cast: Cast, database: Database) -> None:
    hook = make_webhook(database, enabled=False)
    cast.admin.post(f"/webhooks/{hook.id}/test", {}).refused(409, "conflict")


def test_it_refuses_an_unknown_webhook_or_delivery(cast: Cast) -> None:
    cast.admin.post("/webhooks/whk_nonsense/test", {}).refused(404, "not-found")
    cast.admin.get("/webhooks/whk_nonsense/deliveries").refused(404, "not-found")
    for text in ("dlv_" + "0" * 26, "nonsense", "%00"):
        cast.admin.get(f"/deliveries/{text}").refused(404, "not-found")


def test_it_refuses_everybody_but_an_admin_for_everything(cast: Cast, database: Database) -> None:
    hook = make_webhook(database)
    for caller in (cast.creator, cast.reviewer, cast.viewer):
        caller.post(f"/webhooks/{hook.id}/test", {}).refused(403, "forbidden")
        caller.get("/deliveries/dlv_nonsense").refused(403, "forbidden")
