"""The calling key as it sees itself."""

from __future__ import annotations

from marshmallow import fields

from domain.access import Permission, Role, Scope
from domain.api_keys.rules import ALLOWLIST_MODES

from ...schemas import (
    AnswerSchema,
    id_field,
    integer_field,
    list_field,
    moment_field,
    object_field,
    text_field,
    word_field,
)
from ..api_keys.schemas import cidrs_field


class BucketSchema(AnswerSchema):
    """A rate limit and what is left of it."""

    limit = integer_field(600, "Calls a minute.")
    remaining = integer_field(599)
    reset_seconds = integer_field(1, "Until the bucket is full again.")


class BucketsSchema(AnswerSchema):
    """Both limits."""

    read = fields.Nested(BucketSchema, required=True)
    write = fields.Nested(BucketSchema, required=True)


class MeSchema(AnswerSchema):
    """The calling key."""

    id = id_field("key")
    object = object_field("api_key")
    name = text_field("Nightly sync")
    role = word_field(tuple(Role))
    scope = word_field(tuple(Scope))
    project_ids = list_field(id_field("prj"), "The only projects it sees; null for all.", nullable=True)
    permissions = list_field(word_field(tuple(Permission)), most=len(Permission))
    allowed_cidrs = cidrs_field()
    allowlist_mode = word_field(ALLOWLIST_MODES)
    expires_at = moment_field(nullable=True)
    secret_id = text_field("01jd3q8v9w7x5y2m", "The public id of the secret in use.", longest=40)
    rate_limits = fields.Nested(BucketsSchema, required=True)
