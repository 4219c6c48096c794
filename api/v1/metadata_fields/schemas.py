"""Metadata fields as this door shows and takes them. What a definition may say is the domain's to judge."""

from __future__ import annotations

from marshmallow import fields

from domain.metadata.patterns import LONGEST_PATTERN
from domain.metadata.types import LONGEST_STRING, TYPES
from domain.metadata_fields.definitions import ENTITIES, KEY_PATTERN, LONGEST_DESCRIPTION, MOST_OPTIONS

from ...schemas import NO_NUL, Boolean, RequestSchema, id_field, list_field, object_field, text_field, word_field
from ..entities import ObjectSchema

_REQUIRED = "Whether every entity must have a value: checked at creation and whenever its metadata is written."
_DEFAULT = "What an entity gets that is created without a value; null: nothing."
_BOUND = "of a number, date or time, or of the length of a text, URL or list."
_PATTERN = "What the whole of a text or URL must match, in RE2's syntax."
_OPTIONS = "All that an `enum`, or an item of an `enum_list`, may be."


class MetadataFieldSchema(ObjectSchema):
    """What a project's entities of one kind hold under a key of their metadata."""

    id = id_field("fld", "Sorts by creation.")
    object = object_field("metadata_field")
    project_id = id_field("prj")
    entity = word_field(ENTITIES, example="segment")
    key = text_field("lens_mm", longest=60)
    type = word_field(tuple(TYPES), example="integer")
    required = fields.Boolean(required=True, metadata={"description": _REQUIRED})
    default = fields.Raw(required=True, allow_none=True, metadata={"description": _DEFAULT, "example": 35})
    min = fields.Raw(required=True, allow_none=True, metadata={"description": f"Least {_BOUND}", "example": 8})
    max = fields.Raw(required=True, allow_none=True, metadata={"description": f"Most {_BOUND}", "example": 300})
    pattern = text_field(None, _PATTERN, longest=LONGEST_PATTERN, nullable=True)
    options = list_field(text_field("wide", longest=LONGEST_STRING), _OPTIONS, most=MOST_OPTIONS)
    description = text_field("Of the taking lens.", longest=LONGEST_DESCRIPTION)


class MetadataFieldChangeSchema(RequestSchema):
    """What of a field may change; null takes a rule away."""

    required = Boolean(metadata={"description": _REQUIRED})
    default = fields.Raw(allow_none=True, metadata={"description": _DEFAULT, "example": 35})
    min = fields.Raw(allow_none=True, metadata={"description": f"Least {_BOUND}", "example": 8})
    max = fields.Raw(allow_none=True, metadata={"description": f"Most {_BOUND}", "example": 300})
    pattern = fields.String(
        allow_none=True,
        metadata={"description": _PATTERN, "maxLength": LONGEST_PATTERN, "format": "regex", "example": None},
    )
    options = fields.List(
        fields.String(metadata={"minLength": 1, "maxLength": LONGEST_STRING, "pattern": NO_NUL}),
        allow_none=True,
        metadata={
            "description": _OPTIONS,
            "minItems": 1,
            "maxItems": MOST_OPTIONS,
            "uniqueItems": True,
            "example": None,
        },
    )
    description = fields.String(
        metadata={"maxLength": LONGEST_DESCRIPTION, "pattern": NO_NUL, "example": "Of the taking lens."}
    )


class NewMetadataFieldSchema(MetadataFieldChangeSchema):
    """A field to define."""

    entity = fields.String(required=True, metadata={"enum": list(ENTITIES), "example": "segment"})
    key = fields.String(required=True, metadata={"pattern": f"^{KEY_PATTERN}$", "maxLength": 60, "example": "lens_mm"})
    type = fields.String(required=True, metadata={"enum": list(TYPES), "example": "integer"})
