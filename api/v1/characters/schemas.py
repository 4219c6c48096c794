"""Characters as this door shows them."""

from __future__ import annotations

from marshmallow import fields

from ...schemas import id_field, object_field
from ..entities import AssetSchema
from ..entity_inputs import NAME, EntityInput, InProject, Submittable


class CharacterSchema(AssetSchema):
    """One of a project's cast."""

    id = id_field("chr", "Sorts by creation.")
    object = object_field("character")


class NewCharacterSchema(InProject, EntityInput):
    """A character to create."""

    name = fields.String(required=True, metadata=NAME)


class CharacterChangeSchema(Submittable, EntityInput):
    """Fields of a character to change."""
