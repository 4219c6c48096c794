"""Characters: the cast of a project."""

from __future__ import annotations

from ..entities import COMMON, Kind, entity_listing, entity_table

characters = entity_table("characters")

CHARACTERS = Kind(
    object="character",
    plural="characters",
    prefix="chr",
    table=characters,
    fields=("project_id", "name", "code", "description", "status", "external_ids", "metadata", *COMMON),
    listing=entity_listing(characters, "name"),
    parents=(("project", "project_id"),),
)
