"""What a worker does to a delivery, done at once and without a network."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from domain.deliveries.recording import Attempt, Outcome, record
from domain.ports import Services
from tests.support.claiming import claim_due


def answer_next(services: Services, status: str = "delivered", **answer: Any) -> str:
    """Claim the delivery that is due and record an attempt with this answer; its id."""
    now = services.clock()
    with services.database.transaction() as session:
        (claimed,) = claim_due(session, now, 1)
    given: dict[str, Any] = {
        "status_code": 200,
        "error": None,
        "message": "The receiver accepted it.",
        "address": "192.0.2.7:443",
        "request_headers": {"webhook-id": claimed.event_id},
        "response_headers": {"X-Receiver": "one"},
        "response_body": '{"ok": true}',
        **answer,
    }
    attempt = Attempt(claimed=claimed, started_at=now, duration_ms=48, **given)
    with services.database.transaction() as session:
        record(session, [Outcome(attempt, status, now + timedelta(minutes=5))], now)
    return claimed.id
