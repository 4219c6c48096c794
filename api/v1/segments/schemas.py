"""Segments as this door shows them."""

from __future__ import annotations

from marshmallow import fields

from ..entities import AssetSchema


class SegmentSchema(AssetSchema):
    """A shot of a scene."""

    scene_id = fields.String(required=True)
    position = fields.Integer(required=True, metadata={"description": "Its place in the scene."})
    frame_in = fields.Integer(required=True, allow_none=True)
    frame_out = fields.Integer(required=True, allow_none=True)
