"""Segments as this door shows them."""

from __future__ import annotations

from marshmallow import fields

from ...schemas import Integer
from ..entities import AssetSchema
from ..entity_inputs import NAME, NUMBER, EntityInput, Placed, Submittable


class SegmentSchema(AssetSchema):
    """A shot of a scene."""

    scene_id = fields.String(required=True)
    position = fields.Integer(required=True, metadata={"description": "Its place in the scene."})
    frame_in = fields.Integer(required=True, allow_none=True)
    frame_out = fields.Integer(required=True, allow_none=True)


class Framed(Placed):
    """A segment is a range of frames."""

    frame_in = Integer(allow_none=True, metadata={**NUMBER, "description": "Its first frame.", "example": 1001})
    frame_out = Integer(allow_none=True, metadata={**NUMBER, "description": "Its last frame.", "example": 1096})


class NewSegmentSchema(Framed, EntityInput):
    """A segment to create."""

    name = fields.String(required=True, metadata=NAME)
    scene_id = fields.String(required=True, metadata={"example": "scn_01jd3q8v9w7x5y2m4n6p8r0s1t"})


class SegmentChangeSchema(Submittable, Framed, EntityInput):
    """Fields of a segment to change."""

    scene_id = fields.String(metadata={"description": "Another scene of its project."})
