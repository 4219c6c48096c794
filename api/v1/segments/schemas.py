"""Segments as this door shows them."""

from __future__ import annotations

from marshmallow import fields

from ...schemas import Integer, id_field, id_metadata, integer_field, object_field, text_field
from ..entities import LEAST_INTEGER as LEAST
from ..entities import AssetSchema
from ..entity_inputs import NAME, NUMBER, EntityInput, Placed, Submittable


class SegmentSchema(AssetSchema):
    """A shot of a scene."""

    id = id_field("seg", "Sorts by creation.")
    object = object_field("segment")
    scene_id = id_field("scn")
    name = text_field("Wide on the cliff")
    code = text_field("sh-0010", "A short name, unique in its project.")
    position = integer_field(10, "Its place in the scene.", least=LEAST)
    frame_in = integer_field(1001, "Its first frame.", least=LEAST, nullable=True)
    frame_out = integer_field(1096, "Its last frame.", least=LEAST, nullable=True)


class Framed(Placed):
    """A segment is a range of frames."""

    frame_in = Integer(allow_none=True, metadata={**NUMBER, "description": "Its first frame.", "example": 1001})
    frame_out = Integer(allow_none=True, metadata={**NUMBER, "description": "Its last frame.", "example": 1096})


class NewSegmentSchema(Framed, EntityInput):
    """A segment to create."""

    name = fields.String(required=True, metadata=NAME)
    scene_id = fields.String(required=True, metadata=id_metadata("scn"))


class SegmentChangeSchema(Submittable, Framed, EntityInput):
    """Fields of a segment to change."""

    scene_id = fields.String(metadata=id_metadata("scn", "Another scene of its project."))
