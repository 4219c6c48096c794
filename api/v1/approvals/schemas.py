"""Approvals as this door shows and takes them."""

from __future__ import annotations

from marshmallow import Schema, fields

from domain.approvals.commands import LONGEST_NOTE
from domain.approvals.models import DECISIONS

from ...schemas import AnswerSchema
from ..entities import ObjectSchema


class AssetReferenceSchema(AnswerSchema):
    """Which asset was decided on."""

    object = fields.String(required=True)
    id = fields.String(required=True)


class ActorSchema(AnswerSchema):
    """Who did it."""

    type = fields.String(required=True, metadata={"enum": ["api_key", "user", "system"]})
    id = fields.String(required=True)
    name = fields.String(required=True)


class ApprovalSchema(ObjectSchema):
    """A decision on an asset."""

    project_id = fields.String(required=True)
    asset = fields.Nested(AssetReferenceSchema, required=True)
    decision = fields.String(required=True, metadata={"enum": list(DECISIONS)})
    note = fields.String(required=True)
    decided_by = fields.Nested(ActorSchema, required=True)


class NewApprovalSchema(Schema):
    """What a reviewer decides."""

    decision = fields.String(required=True, metadata={"enum": list(DECISIONS), "example": "approved"})
    note = fields.String(
        load_default="", metadata={"maxLength": LONGEST_NOTE, "example": "Silhouette reads well. Ship it."}
    )
