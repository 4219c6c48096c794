"""Approvals as this door shows and takes them."""

from __future__ import annotations

from marshmallow import fields

from domain.approvals.commands import LONGEST_NOTE
from domain.approvals.models import DECISIONS

from ...schemas import (
    ACTOR_TYPES,
    ASSET_OBJECTS,
    NO_NUL,
    AnswerSchema,
    RequestSchema,
    id_field,
    id_metadata,
    object_field,
    text_field,
    word_field,
)
from ..entities import ObjectSchema

_NOTE = "Silhouette reads well. Ship it."


class AssetReferenceSchema(AnswerSchema):
    """Which asset was decided on."""

    object = word_field(ASSET_OBJECTS)
    id = text_field("chr_01jd3q8v9w7x5y2m4n6p8r0s1t", longest=30)


class ActorSchema(AnswerSchema):
    """Who did it."""

    type = word_field(ACTOR_TYPES)
    id = text_field("key_01jd3q8v9w7x5y2m4n6p8r0s1t", longest=30)
    name = text_field("Review tool")


class ApprovalSchema(ObjectSchema):
    """A decision on an asset."""

    versioned = False

    id = id_field("apr", "Sorts by creation.")
    object = object_field("approval")
    project_id = id_field("prj")
    asset = fields.Nested(AssetReferenceSchema, required=True)
    decision = word_field(DECISIONS)
    note = text_field(_NOTE, longest=LONGEST_NOTE)
    take_id = id_field("tak", "The take that was looked at.", nullable=True)
    decided_by = fields.Nested(ActorSchema, required=True)


class NewApprovalSchema(RequestSchema):
    """What a reviewer decides."""

    decision = word_field(DECISIONS)
    note = fields.String(load_default="", metadata={"maxLength": LONGEST_NOTE, "pattern": NO_NUL, "example": _NOTE})
    take_id = fields.String(
        load_default=None, allow_none=True,
        metadata={**id_metadata("tak", "The take of this asset that was looked at."), "example": None},
    )  # fmt: skip
