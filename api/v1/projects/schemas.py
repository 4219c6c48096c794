"""Projects as this door shows them."""

from __future__ import annotations

from marshmallow import fields

from domain.entity_rules import PROJECT_STATUSES

from ...schemas import Boolean, id_field, object_field, text_field, word_field
from ..entities import EntitySchema
from ..entity_inputs import NAME, EntityInput

STRICT = {"description": "Whether metadata may only have the keys that are defined.", "example": False}


class ProjectSchema(EntitySchema):
    """A production."""

    id = id_field("prj", "Sorts by creation.")
    object = object_field("project")
    name = text_field("The Salt Line")
    code = text_field("salt-line", "A short name, unique in the studio.")
    status = word_field(PROJECT_STATUSES)
    strict_metadata = fields.Boolean(required=True, metadata=STRICT)


class NewProjectSchema(EntityInput):
    """A project to create."""

    name = fields.String(required=True, metadata=NAME)
    strict_metadata = Boolean(metadata=STRICT)


class ProjectChangeSchema(EntityInput):
    """Fields of a project to change."""

    status = fields.String(metadata={"enum": list(PROJECT_STATUSES)})
    strict_metadata = Boolean(metadata=STRICT)
