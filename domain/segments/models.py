"""Segments: the shots of a scene, in order, each a range of frames."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer

from ..db import Str
from ..entities import COMMON, Kind, entity_listing, entity_table

segments = entity_table(
    "segments",
    Column("scene_id", Str, ForeignKey("scenes.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("frame_in", Integer),
    Column("frame_out", Integer),
)
Index("ix_segments_position_id", segments.c.position, segments.c.id)
Index("ix_segments_project_id_position_id", segments.c.project_id, segments.c.position, segments.c.id)
Index("ix_segments_scene_id_position_id", segments.c.scene_id, segments.c.position, segments.c.id)

_FIELDS = (
    *("project_id", "scene_id", "name", "code", "description", "position", "frame_in", "frame_out"),
    *("status", "external_ids", "metadata", *COMMON),
)
_PARENTS = (("project", "project_id"), ("scene", "scene_id"))
_ALSO = ("scene_id", "position", "frame_in", "frame_out")
SEGMENTS = Kind(
    object="segment",
    plural="segments",
    prefix="seg",
    table=segments,
    fields=_FIELDS,
    listing=entity_listing("segment", segments, _FIELDS, "position", parents=_PARENTS, also=_ALSO),
    parents=_PARENTS,
)
