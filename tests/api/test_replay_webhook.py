"""POST /webhooks/{id}/replay, GET /webhooks/{id}/replays, GET /replays/{id} and POST /replays/{id}/cancel."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from domain.clock import rfc3339
from domain.db import Database
from domain.deliveries.models import webhook_deliveries
from domain.replays.commands import Terms
from domain.replays.models import webhook_replays
from domain.replays.steps import step_replay
from tests.api.conftest import Cast
from tests.factories import make_event, make_webhook
from tests.support.clock import NOON, StoppedClock

SINCE, UNTIL = NOON - timedelta(hours=1), NOON + timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _later(clock: StoppedClock, database: Database) -> None:
    """Events of the factories are of noon."""
    clock.advance(minutes=10)


def step(database: Database, replay_id: str) -> None:
    with database.transaction() as session:
        step_replay(session, replay_id, NOON + timedelta(minutes=11), Terms(6000, 30))


def test_it_works(cast: Cast, database: Database) -> None:
    hook = make_webhook(database).id
    for _ in range(3):
        make_event(database, "asset.approved")
    asked = {"since": rfc3339(SINCE), "until": rfc3339(UNTIL), "event_types": ["asset.*"], "rate_per_minute": 120}
    answer = cast.admin.post(f"/webhooks/{hook}/replay", asked)
    assert answer.status == 202
    assert answer.data == {
        "id": answer.data["id"],
        "object": "replay",
        "webhook_id": hook,
        "status": "running",
        "since": rfc3339(SINCE),
        "until": rfc3339(UNTIL),
        "event_types": ["asset.*"],
        "delivery_status": None,
        "rate_per_minute": 120,
        "count": 3,
        "queued_count": 0,
        "note": "",
        "created_by": answer.data["created_by"],
        "created_at": "2026-03-01T12:10:00.000Z",
        "updated_at": "2026-03-01T12:10:00.000Z",
        "finished_at": None,
    }
    assert answer.data["created_by"]["type"] == "api_key"
    assert cast.admin.get(f"/webhooks/{hook}/replays").data == [answer.data]
    step(database, answer.data["id"])
    shown = cast.admin.get(f"/replays/{answer.data['id']}").data
    assert shown["queued_count"] == 2  # what may be sent in a second
    assert shown["deliveries"] == {"pending": 2, "sending": 0, "delivered": 0, "failed": 0, "cancelled": 0}


def test_a_dry_run_counts_and_does_nothing(cast: Cast, database: Database) -> None:
    hook = make_webhook(database, enabled=False).id
    make_event(database, "asset.approved")
    answer = cast.admin.post(f"/webhooks/{hook}/replay", {"status": "missing", "dry_run": True})
    assert (answer.status, answer.data["count"]) == (200, 1)
    assert (answer.data["id"], answer.data["status"], answer.data["rate_per_minute"]) == (None, None, 6000)
    with database.reading() as session:
        assert session.execute(select(func.count()).select_from(webhook_replays)).scalar_one() == 0


def test_a_dry_run_costs_a_read(cast: Cast, database: Database) -> None:
    hook = make_webhook(database).id
    assert cast.admin.post(f"/webhooks/{hook}/replay", {"dry_run": True}).audit["rate_limit"].startswith("read ")
    assert cast.admin.post(f"/webhooks/{hook}/replay", {}).audit["rate_limit"].startswith("write ")


def test_cancelling(cast: Cast, database: Database) -> None:
    hook = make_webhook(database).id
    make_event(database, "asset.approved")
    replay_id = cast.admin.post(f"/webhooks/{hook}/replay", {}).data["id"]
    step(database, replay_id)
    answer = cast.admin.post(f"/replays/{replay_id}/cancel", b"")
    assert (answer.status, answer.data["status"], answer.data["finished_at"]) == (
        200, "cancelled", "2026-03-01T12:10:00.000Z",
    )  # fmt: skip
    table = webhook_deliveries
    with database.reading() as session:
        chosen = select(table.c.status).where(table.c.replay_id == replay_id)
        assert session.execute(chosen).scalars().all() == ["cancelled"]
    assert cast.admin.post(f"/replays/{replay_id}/cancel", b"").status == 409


def test_it_is_audited(cast: Cast, database: Database) -> None:
    hook = make_webhook(database).id
    asked = {"status": "failed"}
    started = cast.admin.post(f"/webhooks/{hook}/replay", asked)
    assert started.audit["params"] == {"body": asked}
    cancelled = cast.admin.post(f"/replays/{started.data['id']}/cancel", b"")
    assert cancelled.audit["path"] == f"/api/v1/replays/{started.data['id']}/cancel"
    assert cancelled.audit["key_id"] == cast.admin.key.id if cast.admin.key else False


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"since": "yesterday"}, "/since"),
        ({"since": "2027-01-01T00:00:00Z"}, "/since"),
        ({"status": "delivered"}, "/status"),
        ({"event_types": ["nonsense"]}, "/event_types/0"),
        ({"rate_per_minute": "many"}, "/rate_per_minute"),
        ({"rate": 1}, "/rate"),
    ],
)
def test_it_refuses_what_cannot_be(cast: Cast, database: Database, body: dict[str, object], field: str) -> None:
    make_event(database, "asset.approved")
    answer = cast.admin.post(f"/webhooks/{make_webhook(database).id}/replay", body)
    assert (answer.status, [error["field"] for error in answer.document["errors"]]) == (422, [field])


def test_a_disabled_webhook_is_409(cast: Cast, database: Database) -> None:
    answer = cast.admin.post(f"/webhooks/{make_webhook(database, enabled=False).id}/replay", {})
    assert answer.status == 409
    assert "disabled" in answer.document["detail"]


@pytest.mark.parametrize("path", ["/webhooks/whk_00000000000000000000000000/replay", "/webhooks/nonsense/replay"])
def test_a_webhook_that_is_not_there_is_404_whatever_the_body(cast: Cast, path: str) -> None:
    assert cast.admin.post(path, {"status": "nonsense"}).status == 404


def test_an_idempotency_key_starts_it_once(cast: Cast, database: Database) -> None:
    hook = make_webhook(database).id
    first = cast.admin.post(f"/webhooks/{hook}/replay", {}, headers={"Idempotency-Key": "once"})
    again = cast.admin.post(f"/webhooks/{hook}/replay", {}, headers={"Idempotency-Key": "once"})
    assert (first.status, again.status) == (202, 202)
    assert first.data == again.data
