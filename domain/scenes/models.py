"""Scenes: the parts of a project, in order."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer

from ..entities import COMMON, Kind, entity_listing, entity_table

scenes = entity_table("scenes", Column("position", Integer, nullable=False))
Index("ix_scenes_position_id", scenes.c.position, scenes.c.id)
Index("ix_scenes_project_id_position_id", scenes.c.project_id, scenes.c.position, scenes.c.id)

SCENES = Kind(
    object="scene",
    plural="scenes",
    prefix="scn",
    table=scenes,
    fields=("project_id", "name", "code", "description", "position", "status", "external_ids", "metadata", *COMMON),
    listing=entity_listing(scenes, "position", position=scenes.c.position),
    parents=(("project", "project_id"),),
)
