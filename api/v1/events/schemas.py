"""The catalogue of event types as this door shows it."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from domain.events.catalogue import FAMILIES, TYPES
from domain.events.examples import example_event
from domain.events.schemas import PAYLOAD_VERSIONS, schema_of

from ...schemas import AnswerSchema, id_field, list_field, moment_field, object_field, text_field, word_field
from ..approvals.schemas import ActorSchema

_EXAMPLE = ("webhook.test", "v1-thin")
_BODY = example_event("asset.approved", "v1")


def _document_field(example: dict[str, Any], description: str) -> fields.Dict:
    shown = {"description": description, "example": example}
    return fields.Dict(keys=fields.String(), values=fields.Raw(), required=True, metadata=shown)


class PayloadFormSchema(AnswerSchema):
    """One form that events of a type are sent in."""

    payload_version = word_field(PAYLOAD_VERSIONS)
    schema = _document_field(schema_of(*_EXAMPLE), "JSON Schema, 2020-12, of the whole body.")
    example = _document_field(example_event(*_EXAMPLE), "A body that fits it.")


class EventSchema(AnswerSchema):
    """An event, as webhooks get it in the form `v1`; `GET /event-types` has the JSON Schema of each type."""

    versioned = False
    id = id_field("evt", "The same as in webhooks.")
    type = word_field(tuple(TYPES), example="asset.approved")
    version = word_field(("v1",))
    timestamp = moment_field("When it happened.")
    project_id = id_field("prj", nullable=True)
    actor = fields.Nested(ActorSchema, required=True)
    request_id = text_field("req_01jd3q8v9w7x5y2m4n6p8r0s1t", "Of the API call that did it.", nullable=True)
    data = _document_field(_BODY["data"], "What it is about, as the API shows it.")
    changes = _document_field(_BODY["changes"], "Old and new value of what changed, by field.")
    truncated = fields.Boolean(
        metadata={"description": "Only where the body would be over 64 KiB: `data` is an id and a link then."}
    )


class EventDescriptionSchema(AnswerSchema):
    """One type of event."""

    object = object_field("event_type")
    name = word_field(tuple(TYPES), example="asset.approved")
    family = word_field(FAMILIES, "`asset` of `asset.approved`: subscribe to all of them as `asset.*`.")
    description = text_field(TYPES["asset.approved"], "What has happened.", longest=200)
    operational = fields.Boolean(
        required=True,
        metadata={
            "description": "Whether `*` leaves it out, so that a webhook about webhooks cannot loop by accident."
        },
    )
    forms = list_field(fields.Nested(PayloadFormSchema), "One for each payload version.", most=len(PAYLOAD_VERSIONS))
