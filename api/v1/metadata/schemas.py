"""Metadata as this door shows and takes it."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, Schema, fields, post_load

from ...schemas import AnswerSchema

EXAMPLE = {"lens_mm": 35, "shot_on": "twos"}


class MetadataSchema(AnswerSchema):
    """All metadata of an entity, by key."""

    class Meta:
        unknown = INCLUDE


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
