"""Scenes as this door shows them."""

from __future__ import annotations

from marshmallow import fields

from ..entities import AssetSchema


class SceneSchema(AssetSchema):
    """A part of a project."""

    position = fields.Integer(required=True, metadata={"description": "Its place in the project."})
