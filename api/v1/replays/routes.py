"""Sending a webhook what it did not get: counting it, starting, following and cancelling a replay."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.access import Permission
from domain.replays.commands import Plan, Terms, Wanted, cancel_replay, plan_replay, planned_row, start_replay
from domain.replays.queries import REPLAYS, deliveries_by_status, load_replay, replays_of, represent_replay
from domain.webhooks.queries import load_webhook

from ...answers import Answer, one
from ...blueprint import Blueprint
from ...bodies import load_body
from ...call import Call
from ...costs import Cost
from ...lists import answer_list
from ...operation import LARGEST_ENTITY
from .schemas import NewReplaySchema, ReplaySchema, ReplayWithCountsSchema, StartedReplaySchema

blueprint = Blueprint("replays", __name__, description="Events sent to a webhook again.")
MANAGE = Permission.MANAGE_WEBHOOKS


def _cost(body: Any) -> tuple[str, int]:
    return "read" if isinstance(body, dict) and body.get("dry_run") is True else "write", 1


COST = Cost(by_body=_cost, told="Costs a token; of reads for a dry run.")


def _plan(call: Call) -> Plan:
    """Counted before the transaction: it takes as long as there are events, and SQLite's writers would wait for it."""
    _, webhook_id, _ = call.path.rsplit("/", 2)
    with call.services.database.reading() as session:
        load_webhook(session, call.actor, webhook_id)
        body = load_body(call, NewReplaySchema(), LARGEST_ENTITY)
        wanted = Wanted(**{name: value for name, value in body.items() if name != "dry_run"})
        return plan_replay(session, call.actor, webhook_id, wanted, Terms.of(call.services.settings), call.at)


@blueprint.operation(
    "POST", "/webhooks/<webhook_id>/replay", id="replay_webhook", permission=MANAGE, returns=StartedReplaySchema,
    body=NewReplaySchema, status=202, also_status=200, prepare=_plan, cost=COST,
)  # fmt: skip
def post_replay(call: Call, body: dict[str, Any], webhook_id: str) -> Answer:  # noqa: ARG001 - the plan names it
    """Send a webhook events once more, or those it never got. A dry run is answered 200 and only counts them."""
    plan: Plan = call.prepared
    if body["dry_run"]:
        return one(represent_replay({**planned_row(None, call.context, plan), "status": None}))
    replay_id = start_replay(call.session, call.context, plan)
    return replace(_shown(call, replay_id), status=202)


@blueprint.operation(
    "GET", "/webhooks/<webhook_id>/replays", id="list_webhook_replays", permission=MANAGE, returns=ReplaySchema,
    listing=REPLAYS,
)  # fmt: skip
def list_replays(call: Call, webhook_id: str) -> Answer:
    """List a webhook's replays, newest first."""
    load_webhook(call.session, call.actor, webhook_id)
    return answer_list(call, REPLAYS, replays_of(webhook_id), represent_replay)


@blueprint.operation(
    "GET", "/replays/<replay_id>", id="get_replay", permission=MANAGE, returns=ReplayWithCountsSchema
)  # fmt: skip
def get_replay(call: Call, replay_id: str) -> Answer:
    """Get a replay, with how its deliveries stand."""
    shown = _shown(call, replay_id).document["data"]
    return one({**shown, "deliveries": deliveries_by_status(call.session, replay_id)})


@blueprint.operation(
    "POST", "/replays/<replay_id>/cancel", id="cancel_replay", permission=MANAGE, returns=ReplaySchema
)  # fmt: skip
def post_cancellation(call: Call, replay_id: str) -> Answer:
    """Cancel a replay: it queues no more, and what it has queued and is not being sent is cancelled."""
    cancel_replay(call.session, call.actor, replay_id, call.at)
    return _shown(call, replay_id)


def _shown(call: Call, replay_id: str) -> Answer:
    return one(represent_replay(load_replay(call.session, call.actor, replay_id)))
