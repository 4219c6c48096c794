"""Scenes as this door shows them."""

from __future__ import annotations

from marshmallow import fields

from ..entities import AssetSchema
from ..entity_inputs import NAME, EntityInput, InProject, Placed, Submittable


class SceneSchema(AssetSchema):
    """A part of a project."""

    position = fields.Integer(required=True, metadata={"description": "Its place in the project."})


class NewSceneSchema(InProject, Placed, EntityInput):
    """A scene to create."""

    name = fields.String(required=True, metadata=NAME)


class SceneChangeSchema(Submittable, Placed, EntityInput):
    """Fields of a scene to change."""
