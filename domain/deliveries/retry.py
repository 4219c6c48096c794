"""Sending one delivery again, because somebody asks for it."""

from __future__ import annotations

from sqlalchemy import update

from ..db import Row, Session, signal_after_commit
from ..errors import Conflict
from ..events.commands import Context
from ..signals import DeliveriesDue
from ..webhooks.queries import load_webhook
from .models import ASKED_FOR, webhook_deliveries
from .queries import load_delivery

BEING_SENT = "It is being sent at this moment. Its answer comes within seconds; it can be sent again then."
DISABLED = "Its webhook is disabled; enable it before sending anything to it again."


def retry_delivery(session: Session, context: Context, delivery_id: str) -> Row:
    """Send it again now, whatever became of it; one that waits for its next attempt need not wait.

    Its attempts are counted on, and its schedule begins anew. Gives its row before.

    Raises:
        Forbidden, NotFound: see `load_delivery`.
        Conflict: it is being sent, or its webhook is disabled.
    """
    table = webhook_deliveries
    row = load_delivery(session, context.actor, delivery_id)
    if not load_webhook(session, context.actor, row["webhook_id"])["enabled"]:
        raise Conflict(DISABLED)
    again = {"status": "pending", "due_at": context.now, "lane": ASKED_FOR, "finished_at": None, "lease_token": None}
    if row["status"] != "pending":
        again["attempts_before"] = table.c.attempts_count
    # Of a state that it has left meanwhile it is not taken back.
    unchanged = update(table).where(table.c.id == row["id"], table.c.status == row["status"])
    if row["status"] == "sending" or session.execute(unchanged.values(**again)).rowcount != 1:
        raise Conflict(BEING_SENT)
    signal_after_commit(session, DeliveriesDue())
    return row
