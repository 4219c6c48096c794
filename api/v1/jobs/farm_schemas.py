"""What workers of a farm send and are answered."""

from __future__ import annotations

from marshmallow import fields

from domain.jobs.claiming import MOST_KINDS_ASKED
from domain.jobs.working import LONGEST_CODE, LONGEST_MESSAGE

from ...schemas import (
    NO_NUL,
    NOT_ONLY_SPACES,
    AnswerSchema,
    Boolean,
    Number,
    RequestSchema,
    moment_field,
    text_field,
    wait_field,
)
from .costs import NewCostSchema
from .schemas import KIND, WORKER, JobSchema

_LEASE = {"maxLength": 100, "pattern": NO_NUL, "example": "lease_Zk1", "description": "As the claim answered it."}
_MESSAGE = {"maxLength": LONGEST_MESSAGE, "pattern": NO_NUL}


class ClaimSchema(RequestSchema):
    """What a worker asks for."""

    worker = fields.String(
        required=True, metadata={**WORKER, "pattern": NOT_ONLY_SPACES, "description": "The same at every call."}
    )
    kinds = fields.List(
        fields.String(metadata=KIND),
        required=True,
        metadata={"description": "What it can do.", "minItems": 1, "maxItems": MOST_KINDS_ASKED,
                  "example": ["generate"]},
    )  # fmt: skip
    wait = wait_field("Seconds to wait for a job while there is none.")


class ClaimedJobSchema(JobSchema):
    """A job, and the lease under which it is this worker's."""

    lease_token = text_field("lease_Zk1", "To be sent with everything about this job; shown only here.", longest=100)
    lease_expires_at = moment_field("Without a heartbeat before then it is somebody else's.")


class _Held(RequestSchema):
    lease_token = fields.String(required=True, metadata=_LEASE)


class HeartbeatSchema(_Held):
    """That a worker lives, and how far it is."""

    progress = Number(metadata={"description": "Percent.", "minimum": 0, "maximum": 100, "example": 40.5})
    message = fields.String(metadata={**_MESSAGE, "example": "Frame 40 of 96"})


class HeartbeatAnswerSchema(AnswerSchema):
    """What a worker hears."""

    cancel = fields.Boolean(required=True, metadata={"description": "Stop, and fail the job with code `cancelled`."})
    lease_expires_at = moment_field()


class CompletionSchema(_Held):
    """That a job is done."""

    result = fields.Dict(
        keys=fields.String(), values=fields.Raw(allow_none=True), allow_none=True,
        metadata={"description": "Whatever there is to say of it.", "example": {"frames": 96}},
    )  # fmt: skip
    cost = fields.Nested(NewCostSchema, allow_none=True)


class NewJobErrorSchema(RequestSchema):
    """Why an attempt came to nothing."""

    code = fields.String(
        required=True,
        metadata={"minLength": 1, "maxLength": LONGEST_CODE, "pattern": NOT_ONLY_SPACES, "example": "out_of_memory"},
    )
    message = fields.String(metadata={**_MESSAGE, "example": "The GPU ran out of memory."})


class FailureSchema(_Held):
    """That an attempt came to nothing."""

    error = fields.Nested(NewJobErrorSchema, required=True)
    retryable = Boolean(load_default=True, metadata={"description": "Whether another attempt could do better."})
