"""Projects as this door shows them."""

from __future__ import annotations

from marshmallow import fields

from ..entities import EntitySchema


class ProjectSchema(EntitySchema):
    """A production."""

    status = fields.String(required=True, metadata={"enum": ["active", "archived"]})
