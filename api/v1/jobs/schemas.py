"""Generation jobs as this door shows and takes them."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from domain.jobs.dependencies import MOST_DEPENDENCIES
from domain.jobs.models import STATUSES
from domain.jobs.rules import DEFAULT_ATTEMPTS, DEFAULT_PRIORITY, HIGHEST_PRIORITY, MOST_ATTEMPTS
from domain.jobs.working import LONGEST_CODE, LONGEST_MESSAGE

from ...schemas import (
    ASSET_OBJECTS,
    NO_NUL,
    AnswerSchema,
    Integer,
    RequestSchema,
    id_field,
    id_metadata,
    integer_field,
    list_field,
    moment_field,
    object_field,
    text_field,
    word_field,
)
from ..approvals.schemas import ActorSchema, AssetReferenceSchema
from ..entities import ObjectSchema
from .costs import CostSchema

WORKER = {"minLength": 1, "maxLength": 100, "pattern": NO_NUL, "example": "farm-07"}
KIND = {"maxLength": 40, "pattern": NO_NUL, "description": "One of `GET /job-kinds`.", "example": "generate"}
PRIORITY = {"format": "int32", "minimum": 0, "maximum": HIGHEST_PRIORITY, "example": DEFAULT_PRIORITY}
_PARAMS: dict[str, Any] = {"description": "As its kind has them.", "example": {"seed": 7, "prompt": "A lamp at sea."}}
_NEEDED = "Jobs of its project that must succeed first."


def anything(description: str, example: dict[str, Any], *, nullable: bool = True) -> fields.Dict:
    """An object of an answer, with whatever members."""
    shown = {"description": description, "example": example}
    return fields.Dict(
        keys=fields.String(), values=fields.Raw(allow_none=True), required=True, allow_none=nullable, metadata=shown
    )


class JobErrorSchema(AnswerSchema):
    """Why an attempt came to nothing."""

    code = text_field("out_of_memory", "`lease_expired` and `dependency_failed` are ours.", longest=LONGEST_CODE)
    message = text_field("The GPU ran out of memory.", longest=LONGEST_MESSAGE)


class JobSchema(ObjectSchema):
    """Something to be made for a character, scene or segment."""

    id = id_field("job", "Sorts by submission.")
    object = object_field("job")
    project_id = id_field("prj")
    kind = text_field("generate", "What is to be made.", longest=40)
    target = fields.Nested(AssetReferenceSchema, required=True)
    params = anything(_PARAMS["description"], _PARAMS["example"], nullable=False)
    priority = integer_field(DEFAULT_PRIORITY, "The highest goes first.", most=HIGHEST_PRIORITY)
    status = word_field(STATUSES)
    progress = fields.Float(
        required=True, metadata={"description": "Percent.", "minimum": 0, "maximum": 100, "example": 40.5}
    )
    message = text_field("Frame 40 of 96", "What its worker says.", longest=LONGEST_MESSAGE, nullable=True)
    result = anything("What its worker made of it.", {"frames": 96})
    error = fields.Nested(JobErrorSchema, required=True, allow_none=True)
    attempts = integer_field(1, "How often it was begun.")
    max_attempts = integer_field(DEFAULT_ATTEMPTS, "How often it may be.", least=1, most=MOST_ATTEMPTS)
    depends_on = list_field(fields.String(metadata=id_metadata("job")), _NEEDED, most=MOST_DEPENDENCIES)
    cost = fields.Nested(CostSchema, required=True, allow_none=True)
    cancel_requested = fields.Boolean(required=True, metadata={"description": "Whether its worker is to stop."})
    worker = text_field("farm-07", "Who has it, or had it last.", longest=100, nullable=True)
    submitted_by = fields.Nested(ActorSchema, required=True)
    started_at = moment_field("Of its last attempt.", nullable=True)
    finished_at = moment_field(nullable=True)


class JobKindSchema(AnswerSchema):
    """A kind of job."""

    object = object_field("job_kind")
    name = text_field("generate", longest=40)
    description = text_field("Pictures or film made by a model, on a farm.")
    built_in = fields.Boolean(required=True, metadata={"description": "Callsheet does it itself; no farm is given it."})
    params = anything("JSON Schema (2020-12) of its `params`.", {"type": "object"}, nullable=False)


class TargetSchema(RequestSchema):
    """What it is made for."""

    object = fields.String(required=True, metadata={"enum": list(ASSET_OBJECTS), "example": "segment"})
    id = fields.String(
        required=True, metadata={"maxLength": 30, "pattern": NO_NUL, "example": "seg_01jd3q8v9w7x5y2m4n6p8r0s1t"}
    )


class _Changeable(RequestSchema):
    priority = Integer(metadata={**PRIORITY, "description": "The highest goes first."})
    depends_on = fields.List(
        fields.String(metadata=id_metadata("job")),
        metadata={"description": _NEEDED, "maxItems": MOST_DEPENDENCIES, "example": []},
    )


class NewJobSchema(_Changeable):
    """A job to submit."""

    kind = fields.String(required=True, metadata=KIND)
    target = fields.Nested(TargetSchema, required=True)
    params = fields.Dict(keys=fields.String(), values=fields.Raw(allow_none=True), metadata=_PARAMS)
    max_attempts = Integer(
        metadata={"format": "int32", "minimum": 1, "maximum": MOST_ATTEMPTS, "default": DEFAULT_ATTEMPTS}
    )


class JobChangeSchema(_Changeable):
    """What may be changed of a job that nobody works on yet."""
