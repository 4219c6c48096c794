"""Metadata as this door shows and takes it."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, Schema, fields, post_load

from domain.entities import ASSET_STATUSES
from domain.entity_rules import LONGEST_CODE, LONGEST_NAME
from domain.metadata.rules import MOST_KEYS
from domain.metadata_fields.definitions import ENTITIES

from ...schemas import METADATA_KEY, AnswerSchema, RequestSchema, example_id, id_field, text_field, word_field
from ..entities import ObjectSchema


class MetadataSchema(AnswerSchema):
    """All metadata of an entity, by key."""

    versioned = True
    json_schema = {"example": {"costume": "oilskin", "height_cm": 171}}

    class Meta:
        unknown = INCLUDE


class EntityMetadataSchema(ObjectSchema):
    """An entity of any kind with its metadata."""

    id = text_field(example_id("chr"), "Sorts by creation.", longest=30)
    object = word_field(ENTITIES)
    project_id = id_field("prj", "A project is in itself.")
    name = text_field("Mara Voss", longest=LONGEST_NAME)
    code = text_field("mara-voss", longest=LONGEST_CODE)
    status = word_field(("active", *ASSET_STATUSES))
    metadata = fields.Dict(
        keys=fields.String(), values=fields.Raw(), required=True, metadata={"example": {"costume": "oilskin"}}
    )


class MetadataPatchSchema(Schema):
    """A JSON merge patch (RFC 7386): keys to set, and null for those to remove. Other keys stay as they are."""

    json_schema = {"propertyNames": METADATA_KEY, "maxProperties": MOST_KEYS, "example": {"height_cm": 171}}

    class Meta:
        unknown = INCLUDE

    @post_load(pass_original=True)
    def _as_given(self, _loaded: dict[str, Any], original: dict[str, Any], **_options: Any) -> dict[str, Any]:
        """In the order in which they were given."""
        return original


class MetadataValueSchema(RequestSchema):
    """One value, which replaces the one that is there."""

    value = fields.Raw(
        required=True, metadata={"description": "Any JSON but null.", "not": {"type": "null"}, "example": 35}
    )
