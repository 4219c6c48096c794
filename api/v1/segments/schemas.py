"""Segments as this door shows them."""

from __future__ import annotations

from ...schemas import id_field, integer_field, object_field, text_field
from ..entities import LEAST_INTEGER as LEAST
from ..entities import AssetSchema


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
