"""Scenes: the parts of a project, in order."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer

from ..entities import COMMON, Kind, entity_listing, entity_table

scenes = entity_table("scenes", Column("position", Integer, nullable=False))
Index("ix_scenes_position_id", scenes.c.position, scenes.c.id)
Index("ix_scenes_project_id_position_id", scenes.c.project_id, scenes.c.position, scenes.c.id)

_FIELDS = ("project_id", "name", "code", "description", "position", "status", "external_ids", "metadata", *COMMON)
_PARENTS = (("project", "project_id"),)
SCENES = Kind(
    object="scene",
    plural="scenes",
    prefix="scn",
    table=scenes,
    fields=_FIELDS,
    listing=entity_listing("scene", scenes, _FIELDS, "position", parents=_PARENTS, also=("position",)),
    parents=_PARENTS,
)
