"""Kept cursors as this door shows and takes them."""

from __future__ import annotations

from marshmallow import fields

from domain.event_cursors.queries import NAME_PATTERN

from ...list_parameters import LONGEST_CURSOR
from ...schemas import AnswerSchema, RequestSchema, moment_field, object_field

_CURSOR = {"maxLength": LONGEST_CURSOR, "pattern": "^[A-Za-z0-9_-]+$", "example": "WyI4YjU0ZDFjMCIsNDJd"}


class EventCursorSchema(AnswerSchema):
    """How far the key has come in the feed, under a name of its own."""

    name = fields.String(
        required=True, metadata={"pattern": f"^{NAME_PATTERN}$", "maxLength": 64, "example": "nightly-sync"}
    )
    object = object_field("event_cursor")
    cursor = fields.String(required=True, metadata={**_CURSOR, "description": "What was kept: `after` of the feed."})
    created_at = moment_field()
    updated_at = moment_field()


class KeptCursorSchema(RequestSchema):
    """The place to keep."""

    cursor = fields.String(
        metadata={**_CURSOR, "minLength": 1, "description": "The `page.next` up to which everything is done with; "
                  "without it, the end of the feed."}
    )  # fmt: skip
