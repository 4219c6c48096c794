"""Scenes as this door shows them."""

from __future__ import annotations

from marshmallow import fields

from ...schemas import id_field, integer_field, object_field, text_field
from ..entities import LEAST_INTEGER as LEAST
from ..entities import AssetSchema
from ..entity_inputs import NAME, EntityInput, InProject, Placed, Submittable


class SceneSchema(AssetSchema):
    """A part of a project."""

    id = id_field("scn", "Sorts by creation.")
    object = object_field("scene")
    name = text_field("The lamp goes out")
    code = text_field("sc-010", "A short name, unique in its project.")
    position = integer_field(10, "Its place in the project.", least=LEAST)


class NewSceneSchema(InProject, Placed, EntityInput):
    """A scene to create."""

    name = fields.String(required=True, metadata=NAME)


class SceneChangeSchema(Submittable, Placed, EntityInput):
    """Fields of a scene to change."""
