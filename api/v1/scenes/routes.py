"""The operations on scenes."""

from __future__ import annotations

from domain.scenes.models import SCENES

from ...blueprint import Blueprint
from ..entities import register_reads
from ..entity_writes import register_writes
from .schemas import NewSceneSchema, SceneChangeSchema, SceneSchema

blueprint = Blueprint("scenes", __name__, description="Scenes of the studio.")
register_reads(blueprint, SCENES, SceneSchema)
register_writes(blueprint, SCENES, SceneSchema, NewSceneSchema, SceneChangeSchema)
