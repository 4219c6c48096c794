"""Changing, rotating and deleting webhooks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.webhooks.commands import change_webhook, delete_webhook
from domain.webhooks.rotation import rotate_secret

from ...answers import Answer
from ...call import Call
from ...preconditions import expected_versions
from .routes import MANAGE, ask_target, blueprint, find, once_of, shown
from .schemas import SecretRotationSchema, WebhookChangeSchema, WebhookSchema

__all__ = ["blueprint"]

ONE = "/webhooks/<webhook_id>"


@blueprint.operation(
    "PATCH", ONE, id="update_webhook", permission=MANAGE, returns=WebhookSchema, body=WebhookChangeSchema,
    prepare=ask_target, finds=find,
)  # fmt: skip
def patch_webhook(call: Call, body: dict[str, Any], webhook_id: str) -> Answer:
    """Change terms of a webhook. Enabling or disabling it forgets how it stood.

    Another `signature` makes a new secret, which is in this answer and nowhere else, or a new key; what signed before
    signs beside it for a day.
    """
    changed = change_webhook(
        *(call.session, call.context, call.services.keyring, webhook_id, body, call.prepared), expected_versions(call)
    )
    call.changes = {"id": webhook_id, **changed.fields} if changed.fields else None
    return _with_secret(shown(call, webhook_id), changed.secret)


@blueprint.operation("DELETE", ONE, id="delete_webhook", permission=MANAGE, returns=WebhookSchema)
def delete_one(call: Call, webhook_id: str) -> Answer:
    """Delete a webhook with all its deliveries and replays. What is being sent at this moment may still arrive."""
    answer = shown(call, webhook_id)
    was = delete_webhook(call.session, call.context, webhook_id, expected_versions(call))
    call.changes = {"id": webhook_id, **was}
    return answer


@blueprint.operation(
    "POST", f"{ONE}/rotate-secret", id="rotate_webhook_secret", permission=MANAGE, returns=WebhookSchema,
    body=SecretRotationSchema, finds=find,
)  # fmt: skip
def post_rotation(call: Call, body: dict[str, Any], webhook_id: str) -> Answer:
    """Give a webhook a new secret, which is in this answer and nowhere else, or a new key.

    What it had goes on signing beside it for `grace_seconds`.
    """
    secret = rotate_secret(call.session, call.context, call.services.keyring, webhook_id, body["grace_seconds"])
    return _with_secret(shown(call, webhook_id), secret)


def _with_secret(answer: Answer, secret: str | None) -> Answer:
    document = {"data": {**answer.document["data"], "secret": None}}
    return replace(answer, document=document, once=once_of(secret))
