"""Registering webhooks, testing them and reading their deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import select

from domain.access import Permission
from domain.db import Row
from domain.deliveries.queries import DELIVERIES, deliveries_of, load_delivery, represent_delivery
from domain.listing import fetch, parse
from domain.shape import shaped
from domain.webhooks.commands import CheckTarget, ask_beforehand, create_webhook, send_test
from domain.webhooks.models import webhooks
from domain.webhooks.queries import WEBHOOKS, load_webhook, projects_of, public_keys_of, represent_webhook
from domain.webhooks.rules import NewWebhook

from ...answers import Answer, created, etag_of, many, one
from ...blueprint import Blueprint
from ...call import Call
from ...lists import answer_list
from ..deliveries.schemas import DeliverySchema
from .schemas import NewTestSchema, NewWebhookSchema, WebhookSchema

blueprint = Blueprint("webhooks", __name__, description="Where events are sent.")
MANAGE = Permission.MANAGE_WEBHOOKS


@blueprint.operation("GET", "/webhooks", id="list_webhooks", permission=MANAGE, returns=WebhookSchema, listing=WEBHOOKS)
def list_webhooks(call: Call) -> Answer:
    """List webhooks."""
    query = parse(WEBHOOKS, call.query)
    page = fetch(call.session, query, select(webhooks))
    limited = projects_of(call.session, [row["id"] for row in page.rows if not row["all_projects"]])
    show = partial(_show, limited, public_keys_of(call.session, [row["id"] for row in page.rows], call.at))
    return many(call, shaped(call.session, WEBHOOKS, query.shape, page.rows, show), page)


def _show(limited: Mapping[str, list[str]], keys: Mapping[str, list[dict[str, Any]]], row: Row) -> dict[str, Any]:
    return represent_webhook(row, limited.get(row["id"]), keys.get(row["id"], ()))


def find(call: Call, webhook_id: str) -> Row:
    """The webhook that a path names, whatever the body says."""
    return load_webhook(call.session, call.actor, webhook_id)


def ask_target(call: Call) -> CheckTarget:
    """The verdict on the URL in the body, asked for before there is a transaction."""
    body = call.body_for_audit()
    url = body.get("url") if isinstance(body, dict) else None
    return ask_beforehand(call.services.check_target, url if isinstance(url, str) else "")


@blueprint.operation(
    "POST",
    "/webhooks",
    id="create_webhook",
    permission=MANAGE,
    returns=WebhookSchema,
    body=NewWebhookSchema,
    status=201,
    prepare=ask_target,
)
def post_webhook(call: Call, body: dict[str, Any]) -> Answer:
    """Register a webhook. Its secret is in this answer and nowhere else."""
    wanted = NewWebhook(**body)
    webhook_id, secret = create_webhook(call.session, call.context, call.services.keyring, wanted, call.prepared)
    answer = shown(call, webhook_id)
    data, address, tag = answer.document["data"], f"/api/v1/webhooks/{webhook_id}", answer.headers["ETag"]
    return created({**data, "secret": None}, address, once=once_of(secret), etag=tag)


@blueprint.operation("GET", "/webhooks/<webhook_id>", id="get_webhook", permission=MANAGE, returns=WebhookSchema)
def get_webhook(call: Call, webhook_id: str) -> Answer:
    """Get a webhook."""
    return shown(call, webhook_id)


def shown(call: Call, webhook_id: str) -> Answer:
    """The webhook as it is. Its tag tells of its keys too: an expiry changes no version."""
    row = load_webhook(call.session, call.actor, webhook_id)
    limited = {} if row["all_projects"] else projects_of(call.session, [webhook_id])
    keys = public_keys_of(call.session, [webhook_id], call.at).get(webhook_id, [])
    data = represent_webhook(row, limited.get(webhook_id), keys)
    return one(data, etag=etag_of(row, {"public_keys": keys} if keys else None))


def once_of(secret: str | None) -> dict[str, str]:
    """What is in this answer and in no replay of it."""
    return {} if secret is None else {"secret": secret}


@blueprint.operation(
    "POST", "/webhooks/<webhook_id>/test", id="test_webhook", permission=MANAGE, returns=DeliverySchema,
    body=NewTestSchema, status=202, finds=find,
)  # fmt: skip
def post_test(call: Call, body: dict[str, Any], webhook_id: str) -> Answer:
    """Send an example event through the real pipeline."""
    delivery_id = send_test(call.session, call.context, webhook_id, body["event_type"])
    return Answer({"data": represent_delivery(load_delivery(call.session, call.actor, delivery_id))}, 202)


@blueprint.operation(
    "GET", "/webhooks/<webhook_id>/deliveries", id="list_webhook_deliveries", permission=MANAGE,
    returns=DeliverySchema, listing=DELIVERIES,
)  # fmt: skip
def list_deliveries(call: Call, webhook_id: str) -> Answer:
    """List a webhook's deliveries, newest first."""
    load_webhook(call.session, call.actor, webhook_id)
    return answer_list(call, DELIVERIES, deliveries_of(webhook_id), represent_delivery)
