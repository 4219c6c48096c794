"""Webhooks as this door shows and takes them."""

from __future__ import annotations

from marshmallow import fields

from domain.events.catalogue import MOST_PATTERNS, PATTERNS, TYPES
from domain.projects.queries import MOST_LISTED
from domain.webhooks.addresses import LONGEST_URL, URL_PATTERN
from domain.webhooks.commands import LONGEST_DESCRIPTION, PAYLOAD_VERSIONS, SIGNATURES

from ...schemas import (
    NO_NUL,
    WEBHOOK_STATUSES,
    Boolean,
    RequestSchema,
    id_field,
    id_metadata,
    list_field,
    object_field,
    text_field,
    word_field,
)
from ..entities import ObjectSchema

_URL = "https://tools.example.com/callsheet"


class WebhookSchema(ObjectSchema):
    """Where events are sent."""

    id = id_field("whk", "Sorts by creation.")
    object = object_field("webhook")
    url = text_field(_URL, longest=LONGEST_URL)
    description = text_field("", longest=LONGEST_DESCRIPTION)
    event_types = list_field(word_field(PATTERNS), most=MOST_PATTERNS)
    project_ids = list_field(id_field("prj"), "Only events of these projects; null for all.", nullable=True)
    payload_version = word_field(PAYLOAD_VERSIONS)
    signature = word_field(SIGNATURES)
    enabled = fields.Boolean(required=True)
    status = word_field(WEBHOOK_STATUSES)
    secret = fields.String(
        allow_none=True,
        metadata={"description": "`whsec_…`; at creation only, null when that answer is replayed.", "maxLength": 100,
                  "pattern": "^whsec_[A-Za-z0-9+/=]+$"},
    )  # fmt: skip


class NewWebhookSchema(RequestSchema):
    """What an admin registers."""

    url = fields.String(required=True, metadata={"maxLength": LONGEST_URL, "pattern": URL_PATTERN, "example": _URL})
    event_types = list_field(
        word_field(PATTERNS), "Exact names, families such as `asset.*`, or `*`.", least=1, most=MOST_PATTERNS
    )
    description = fields.String(load_default="", metadata={"maxLength": LONGEST_DESCRIPTION, "pattern": NO_NUL})
    project_ids = fields.List(
        fields.String(metadata=id_metadata("prj")),
        load_default=None, allow_none=True, metadata={"minItems": 1, "maxItems": MOST_LISTED},
    )  # fmt: skip
    payload_version = fields.String(load_default="v1", metadata={"enum": list(PAYLOAD_VERSIONS)})
    signature = fields.String(load_default="v1", metadata={"enum": list(SIGNATURES)})
    enabled = Boolean(load_default=True)


class NewTestSchema(RequestSchema):
    """Which example to send."""

    event_type = fields.String(load_default="webhook.test", metadata={"enum": list(TYPES), "example": "asset.approved"})
