"""The operations on segments."""

from __future__ import annotations

from domain.segments.models import SEGMENTS

from ...blueprint import Blueprint
from ..entities import register_reads
from ..entity_writes import register_writes
from .schemas import NewSegmentSchema, SegmentChangeSchema, SegmentSchema

blueprint = Blueprint("segments", __name__, description="Segments of the studio.")
register_reads(blueprint, SEGMENTS, SegmentSchema)
register_writes(blueprint, SEGMENTS, SegmentSchema, NewSegmentSchema, SegmentChangeSchema)
