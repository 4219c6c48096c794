"""Replays as this door shows and takes them."""

from __future__ import annotations

from marshmallow import fields

from domain.events.catalogue import MOST_PATTERNS, PATTERNS
from domain.replays import FASTEST
from domain.replays.models import STATUSES
from domain.replays.selection import STATUSES as SELECTED

from ...schemas import (
    DELIVERY_STATUSES,
    AnswerSchema,
    Boolean,
    Integer,
    Moment,
    RequestSchema,
    id_field,
    integer_field,
    list_field,
    moment_field,
    object_field,
    text_field,
    word_field,
)
from ..approvals.schemas import ActorSchema

_TYPES = "Exact names, families or `*`, of those that the webhook listens for; null for all."
_SELECTED = "`failed`: what failed or was cancelled and is not on its way again; `missing`: what never had a delivery."
_RATE = "Events queued in a minute."
_NOT_YET = "Null in a dry run."


class ReplaySchema(AnswerSchema):
    """Events sent to a webhook again, or for the first time."""

    id = id_field("rpl", "Sorts by creation.")
    object = object_field("replay")
    webhook_id = id_field("whk")
    status = word_field(STATUSES, "`completed` when all are queued.")
    since = moment_field()
    until = moment_field()
    event_types = list_field(word_field(PATTERNS), _TYPES, most=MOST_PATTERNS, nullable=True)
    delivery_status = word_field(SELECTED, f"{_SELECTED} Null: all events.", nullable=True)
    rate_per_minute = integer_field(6000, _RATE, least=1, most=FASTEST)
    count = integer_field(1250, "Events, when it was asked for.")
    queued_count = integer_field(500, "Events that have become deliveries.")
    note = text_field("", "What it waits for, or why it ended.")
    created_by = fields.Nested(ActorSchema, required=True)
    created_at = moment_field()
    updated_at = moment_field()
    finished_at = moment_field(nullable=True)


class ReplayCountsSchema(AnswerSchema):
    """Its deliveries by status."""

    pending = integer_field(300)
    sending = integer_field(20)
    delivered = integer_field(178)
    failed = integer_field(2)
    cancelled = integer_field(0)


assert tuple(ReplayCountsSchema().fields) == DELIVERY_STATUSES


class ReplayWithCountsSchema(ReplaySchema):
    """A replay fetched alone."""

    deliveries = fields.Nested(ReplayCountsSchema, required=True)


class StartedReplaySchema(ReplaySchema):
    """A replay that began, or what it would be."""

    id = id_field("rpl", _NOT_YET, nullable=True)
    status = word_field(STATUSES, _NOT_YET, nullable=True)


class NewReplaySchema(RequestSchema):
    """Which events to send."""

    since = Moment(
        load_default=None, allow_none=True,
        metadata={"description": "Events from then on; absent: from the first that is kept.", "maxLength": 40,
                  "example": "2026-01-01T00:00:00.000Z"},
    )  # fmt: skip
    until = Moment(
        load_default=None, allow_none=True,
        metadata={"description": "Events before then; absent: until now.", "maxLength": 40,
                  "example": "2099-01-01T00:00:00.000Z"},
    )  # fmt: skip
    status = fields.String(
        load_default=None, allow_none=True,
        metadata={"description": f"{_SELECTED} Absent: all events.", "enum": [*SELECTED, None], "example": "failed"},
    )  # fmt: skip
    event_types = fields.List(
        fields.String(metadata={"enum": list(PATTERNS)}),
        load_default=None, allow_none=True,
        metadata={"description": _TYPES, "minItems": 1, "maxItems": MOST_PATTERNS, "example": ["asset.*"]},
    )  # fmt: skip
    rate_per_minute = Integer(
        load_default=None, allow_none=True,
        metadata={"description": f"{_RATE} Absent: as the studio has settled on.", "minimum": 1, "maximum": FASTEST,
                  "format": "int32", "example": 6000},
    )  # fmt: skip
    dry_run = Boolean(load_default=False, metadata={"description": "Only count. Costs a read."})
