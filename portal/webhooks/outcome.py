"""What has come of a delivery so far, and whether it is worth asking again soon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping

from domain.access import Actor
from domain.db import Row, Session
from domain.deliveries.queries import attempts_of, load_delivery
from domain.webhooks.queries import load_webhook

OPEN = ("pending", "sending")
# A first attempt begins within a second and ends within twenty; whoever waits longer than this waits for a worker.
PATIENCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A delivery as pages show it.

    Attributes:
        attempts: newest first.
        waiting: an answer may arrive at any moment; the page asks again.
        stalled: nobody has tried it for longer than `PATIENCE`.
    """

    webhook: Row
    delivery: RowMapping
    attempts: Sequence[RowMapping]
    waiting: bool
    stalled: bool

    @property
    def body(self) -> str:
        """The text that is signed and sent."""
        thin = self.webhook["payload_version"] == "v1-thin"
        return str(self.delivery["thin_body" if thin else "body"])


def read_outcome(session: Session, actor: Actor, delivery_id: str, now: datetime) -> Outcome:
    """The outcome so far: three statements.

    Raises:
        Forbidden, NotFound: see `load_delivery`.
    """
    delivery = load_delivery(session, actor, delivery_id)
    attempts = attempts_of(session, delivery["id"])
    untried = delivery["status"] in OPEN and not attempts
    fresh = now - delivery["created_at"] < PATIENCE
    # While it is being sent, `due_at` is when the lease runs out: waiting ends then at the latest.
    sending = delivery["status"] == "sending" and now < delivery["due_at"]
    return Outcome(
        webhook=load_webhook(session, actor, delivery["webhook_id"]),
        delivery=delivery,
        attempts=attempts,
        waiting=(untried and fresh) or sending,
        stalled=untried and not fresh and not sending,
    )
