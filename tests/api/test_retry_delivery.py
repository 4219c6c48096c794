"""POST /deliveries/{id}/retry."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from domain.db import Database
from domain.deliveries.models import webhook_deliveries
from domain.webhooks.models import webhooks
from tests.api.conftest import Cast
from tests.factories import make_event, make_webhook
from tests.support.claiming import claim_due
from tests.support.clock import NOON, StoppedClock


def made(cast: Cast, database: Database, **values: Any) -> str:
    """A delivery as it is to be; its id."""
    hook = make_webhook(database).id
    make_event(database, "asset.approved")
    with database.transaction() as session:
        session.execute(update(webhook_deliveries).values(**{"lane": 0, **values}))
    (delivery,) = cast.admin.get(f"/webhooks/{hook}/deliveries").data
    return str(delivery["id"])


@pytest.mark.parametrize("status", ["failed", "cancelled", "delivered"])
def test_it_works(cast: Cast, database: Database, clock: StoppedClock, status: str) -> None:
    delivery_id = made(cast, database, status=status, attempts_count=10, finished_at=NOON, last_status_code=500)
    now = clock.advance(days=5)
    answer = cast.admin.post(f"/deliveries/{delivery_id}/retry", b"")
    assert answer.status == 202
    assert (answer.data["status"], answer.data["attempts_count"]) == ("pending", 10)
    assert (answer.data["next_attempt_at"], answer.data["finished_at"]) == ("2026-03-06T12:00:00.000Z", None)
    assert answer.audit["path"].endswith("/retry")
    with database.transaction() as session:
        (claimed,) = claim_due(session, now, 10)
    assert (claimed.attempt, claimed.scheduled) == (11, 1)


def test_one_that_waits_is_sent_at_once_and_keeps_its_schedule(cast: Cast, database: Database) -> None:
    delivery_id = made(cast, database, attempts_count=3, due_at=NOON.replace(hour=22))
    answer = cast.admin.post(f"/deliveries/{delivery_id}/retry", b"")
    assert (answer.status, answer.data["next_attempt_at"]) == (202, "2026-03-01T12:00:00.000Z")
    with database.transaction() as session:
        (claimed,) = claim_due(session, NOON, 10)
    assert (claimed.attempt, claimed.scheduled) == (4, 4)


def test_one_that_is_being_sent_is_409(cast: Cast, database: Database) -> None:
    delivery_id = made(cast, database)
    with database.transaction() as session:
        claim_due(session, NOON, 10)
    answer = cast.admin.post(f"/deliveries/{delivery_id}/retry", b"")
    assert answer.status == 409
    assert "being sent" in answer.document["detail"]


def test_one_of_a_disabled_webhook_is_409(cast: Cast, database: Database) -> None:
    delivery_id = made(cast, database, status="failed")
    with database.transaction() as session:
        session.execute(update(webhooks).values(enabled=False))
    answer = cast.admin.post(f"/deliveries/{delivery_id}/retry", b"")
    assert (answer.status, "enable it" in answer.document["detail"]) == (409, True)


def test_one_that_is_not_there_is_404(cast: Cast) -> None:
    assert cast.admin.post("/deliveries/dlv_00000000000000000000000000/retry", b"").status == 404
