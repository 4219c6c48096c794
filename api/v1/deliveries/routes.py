"""One delivery with its attempts."""

from __future__ import annotations

from typing import Any

from domain.access import Permission
from domain.clock import rfc3339
from domain.db import Row
from domain.deliveries.queries import attempts_of, load_delivery, represent_delivery
from domain.deliveries.retry import retry_delivery

from ...answers import Answer, one
from ...blueprint import Blueprint
from ...call import Call
from .schemas import DeliverySchema, DeliveryWithAttemptsSchema

blueprint = Blueprint("deliveries", __name__, description="Events on their way to webhooks.")


@blueprint.operation(
    "GET", "/deliveries/<delivery_id>", id="get_delivery", permission=Permission.MANAGE_WEBHOOKS,
    returns=DeliveryWithAttemptsSchema,
)  # fmt: skip
def get_delivery(call: Call, delivery_id: str) -> Answer:
    """Get a delivery with its attempts, newest first."""
    row = load_delivery(call.session, call.actor, delivery_id)
    attempts = [_attempt(attempt) for attempt in attempts_of(call.session, row["id"])]
    return one({**represent_delivery(row), "attempts": attempts})


@blueprint.operation(
    "POST", "/deliveries/<delivery_id>/retry", id="retry_delivery", permission=Permission.MANAGE_WEBHOOKS,
    returns=DeliverySchema, status=202,
)  # fmt: skip
def post_retry(call: Call, delivery_id: str) -> Answer:
    """Send a delivery again now, whatever became of it. Its attempts are counted on, its schedule begins anew."""
    retry_delivery(call.session, call.context, delivery_id)
    return Answer({"data": represent_delivery(load_delivery(call.session, call.actor, delivery_id))}, 202)


def _attempt(row: Row) -> dict[str, Any]:
    told = ("delivery_id", "started_at")
    names = [str(name) for name in row if name not in told]  # orjson takes no kind of `str`
    return {"started_at": rfc3339(row["started_at"]), **{name: row[name] for name in names}}
