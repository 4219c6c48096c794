"""Characters as this door shows them."""

from __future__ import annotations

from ..entities import AssetSchema


class CharacterSchema(AssetSchema):
    """One of a project's cast."""
