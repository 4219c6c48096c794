"""Webhooks as this door shows and takes them."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from domain.webhooks.commands import PAYLOAD_VERSIONS, SIGNATURES

from ..entities import ObjectSchema


class TrueOrFalse(fields.Boolean):
    """JSON's booleans alone: 1 equals True in Python, not in JSON."""

    def _deserialize(self, value: Any, *_context: Any, **_options: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class WebhookSchema(ObjectSchema):
    """Where events are sent."""

    url = fields.String(required=True)
    description = fields.String(required=True)
    event_types = fields.List(fields.String(), required=True)
    project_ids = fields.List(fields.String(), required=True, allow_none=True,
                              metadata={"description": "Only events of these projects; null for all."})  # fmt: skip
    payload_version = fields.String(required=True, metadata={"enum": list(PAYLOAD_VERSIONS)})
    signature = fields.String(required=True, metadata={"enum": list(SIGNATURES)})
    enabled = fields.Boolean(required=True)
    status = fields.String(required=True, metadata={"enum": ["healthy", "failing", "disabled"]})
    secret = fields.String(
        allow_none=True, metadata={"description": "`whsec_…`; at creation only, null when that answer is replayed."}
    )


class NewWebhookSchema(Schema):
    """What an admin registers."""

    url = fields.String(required=True, metadata={"example": "https://tools.example.com/callsheet"})
    event_types = fields.List(fields.String(), required=True, metadata={
        "description": "Exact names, families such as `asset.*`, or `*`.", "example": ["asset.approved"]})  # fmt: skip
    description = fields.String(load_default="")
    project_ids = fields.List(fields.String(), load_default=None, allow_none=True)
    payload_version = fields.String(load_default="v1", metadata={"enum": list(PAYLOAD_VERSIONS)})
    signature = fields.String(load_default="v1", metadata={"enum": list(SIGNATURES)})
    enabled = TrueOrFalse(load_default=True)


class NewTestSchema(Schema):
    """Which example to send."""

    event_type = fields.String(load_default="webhook.test", metadata={"example": "asset.approved"})
