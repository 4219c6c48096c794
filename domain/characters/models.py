"""Characters: the cast of a project."""

from __future__ import annotations

from ..entities import COMMON, Kind, entity_listing, entity_table

characters = entity_table("characters")

_FIELDS = ("project_id", "name", "code", "description", "status", "external_ids", "metadata", *COMMON)
_PARENTS = (("project", "project_id"),)
CHARACTERS = Kind(
    object="character",
    plural="characters",
    prefix="chr",
    table=characters,
    fields=_FIELDS,
    listing=entity_listing("character", characters, _FIELDS, "name", parents=_PARENTS),
    parents=_PARENTS,
)
