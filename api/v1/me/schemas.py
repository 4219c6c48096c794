"""The calling key as it sees itself."""

from __future__ import annotations

from marshmallow import fields

from domain.access import Role, Scope

from ...schemas import AnswerSchema


class BucketSchema(AnswerSchema):
    """A rate limit and what is left of it."""

    limit = fields.Integer(required=True, metadata={"description": "Calls a minute."})
    remaining = fields.Integer(required=True)
    reset_seconds = fields.Integer(required=True, metadata={"description": "Until the bucket is full again."})


class BucketsSchema(AnswerSchema):
    """Both limits."""

    read = fields.Nested(BucketSchema, required=True)
    write = fields.Nested(BucketSchema, required=True)


class MeSchema(AnswerSchema):
    """The calling key."""

    id = fields.String(required=True)
    object = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True, metadata={"enum": list(Role)})
    scope = fields.String(required=True, metadata={"enum": list(Scope)})
    project_ids = fields.List(fields.String(), required=True, allow_none=True,
                              metadata={"description": "The only projects it sees; null for all."})  # fmt: skip
    permissions = fields.List(fields.String(), required=True)
    expires_at = fields.DateTime(required=True, allow_none=True)
    secret_id = fields.String(required=True, metadata={"description": "The public id of the secret in use."})
    rate_limits = fields.Nested(BucketsSchema, required=True)
