"""The catalogue of event types as this door shows it."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from domain.events.catalogue import FAMILIES, TYPES
from domain.events.examples import example_event
from domain.events.schemas import PAYLOAD_VERSIONS, schema_of

from ...schemas import AnswerSchema, list_field, object_field, text_field, word_field

_EXAMPLE = ("webhook.test", "v1-thin")


def _document_field(example: dict[str, Any], description: str) -> fields.Dict:
    shown = {"description": description, "example": example}
    return fields.Dict(keys=fields.String(), values=fields.Raw(), required=True, metadata=shown)


class PayloadFormSchema(AnswerSchema):
    """One form that events of a type are sent in."""

    payload_version = word_field(PAYLOAD_VERSIONS)
    schema = _document_field(schema_of(*_EXAMPLE), "JSON Schema, 2020-12, of the whole body.")
    example = _document_field(example_event(*_EXAMPLE), "A body that fits it.")


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
