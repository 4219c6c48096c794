"""Metadata as this door shows and takes it."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, Schema, fields, post_load

from ...schemas import AnswerSchema
from ..entities import ObjectSchema


class MetadataSchema(AnswerSchema):
    """All metadata of an entity, by key."""

    class Meta:
        unknown = INCLUDE


class EntityMetadataSchema(ObjectSchema):
    """An entity of any kind with its metadata."""

    project_id = fields.String(required=True, metadata={"description": "A project is in itself."})
    name = fields.String(required=True)
    code = fields.String(required=True)
    status = fields.String(required=True)
    metadata = fields.Dict(keys=fields.String(), values=fields.Raw(), required=True)


class MetadataPatchSchema(Schema):
    """A JSON merge patch (RFC 7386): keys to set, and null for those to remove. Other keys stay as they are."""

    class Meta:
        unknown = INCLUDE

    @post_load(pass_original=True)
    def _as_given(self, _loaded: dict[str, Any], original: dict[str, Any], **_options: Any) -> dict[str, Any]:
        """In the order in which they were given."""
        return original


class MetadataValueSchema(Schema):
    """One value, which replaces the one that is there."""

    value = fields.Raw(required=True, metadata={"description": "Any JSON but null.", "example": 35})
