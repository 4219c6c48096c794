"""Characters as this door shows them."""

from __future__ import annotations

from ...schemas import id_field, object_field
from ..entities import AssetSchema


class CharacterSchema(AssetSchema):
    """One of a project's cast."""

    id = id_field("chr", "Sorts by creation.")
    object = object_field("character")
