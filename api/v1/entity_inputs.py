"""What the four nouns of the studio share in what this door takes. What a field may hold is the domain's to say."""

from __future__ import annotations

from copy import copy

from marshmallow import Schema, fields

from domain.entity_rules import (
    CODE_PATTERN,
    LONGEST_CODE,
    LONGEST_DESCRIPTION,
    LONGEST_EXTERNAL_ID,
    LONGEST_NAME,
    MOST_EXTERNAL_IDS,
    SYSTEM_PATTERN,
)
from domain.filters import LARGEST_INTEGER
from domain.metadata.rules import MOST_KEYS

from ..schemas import METADATA_KEY, NO_NUL, NOT_ONLY_SPACES, Integer, RequestSchema, id_metadata

NUMBER = {"format": "int32", "minimum": -LARGEST_INTEGER, "maximum": LARGEST_INTEGER}
NAME = {"minLength": 1, "maxLength": LONGEST_NAME, "pattern": NOT_ONLY_SPACES, "example": "Mara Voss"}


EXTERNAL_ID = {"minLength": 1, "maxLength": LONGEST_EXTERNAL_ID, "pattern": NOT_ONLY_SPACES, "example": "1042"}
SYSTEM = {"type": "string", "maxLength": 40, "pattern": f"^{SYSTEM_PATTERN}$", "example": "shotgrid"}


class EntityInput(RequestSchema):
    """Fields of every entity; none of them is required."""

    name = fields.String(metadata=NAME)
    code = fields.String(
        metadata={
            "minLength": 1,
            "maxLength": LONGEST_CODE,
            "pattern": f"^{CODE_PATTERN}$",
            "description": "A short name, unique in its project; made from the name when absent.",
            "example": "mara-voss",
        }
    )
    description = fields.String(
        metadata={"maxLength": LONGEST_DESCRIPTION, "pattern": NO_NUL, "example": "Lighthouse keeper, 34."}
    )
    external_ids = fields.Dict(
        keys=fields.String(),
        values=fields.String(allow_none=True, metadata=EXTERNAL_ID),
        metadata={
            "maxProperties": MOST_EXTERNAL_IDS,
            "propertyNames": SYSTEM,
            "description": "Ids in other systems, merged with those that are there; null removes one.",
            "example": {"shotgrid": "1042"},
        },
    )
    metadata = fields.Dict(
        keys=fields.String(),
        values=fields.Raw(allow_none=True),
        metadata={
            "propertyNames": METADATA_KEY,
            "maxProperties": MOST_KEYS,
            "description": "Merged by key with what is there; null removes a key.",
            "example": {"height_cm": 171},
        },
    )


def derived(schema: type[Schema], prefix: str, without: str = "") -> type[Schema]:
    """A schema like `schema`, named with a prefix: without one field, or else with none required."""
    taken = {name: copy(field) for name, field in schema._declared_fields.items() if name != without}
    for field in taken.values():
        field.required = field.required and bool(without)
    made: type[Schema] = RequestSchema.from_dict(taken, name=prefix + schema.__name__.removeprefix("New"))
    return made


class Placed(RequestSchema):
    """Scenes and segments have a place."""

    position = Integer(metadata={**NUMBER, "description": "After the last one when absent.", "example": 10})


class InProject(RequestSchema):
    """What is made in a project names it."""

    project_id = fields.String(required=True, metadata=id_metadata("prj"))


class Submittable(RequestSchema):
    """What is reviewed."""

    status = fields.String(
        metadata={"enum": ["in_review"], "description": "`in_review` submits it; the rest is decided by reviewers."}
    )
