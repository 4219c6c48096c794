"""The audit trail as this door shows it."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from domain.audit import SOURCES

from ...schemas import (
    AnswerSchema,
    id_field,
    integer_field,
    moment_field,
    object_field,
    text_field,
    word_field,
)

_LARGEST = 2**53


def _kept(example: Any, description: str) -> fields.Raw:
    return fields.Raw(required=True, allow_none=True, metadata={"description": description, "example": example})


class AuditEntrySchema(AnswerSchema):
    """One call, or one action in the portal, the command line or the system."""

    id = id_field("aud", "Sorts by creation.")
    object = object_field("audit_entry")
    at = moment_field()
    source = word_field(SOURCES)
    key_id = id_field("key", nullable=True)
    secret_id = text_field("01jd3q8v9w7x5y2m", "The public id of the secret used.", longest=60, nullable=True)
    user_id = id_field("usr", nullable=True)
    action = text_field(None, "What was done, where it was no call.", longest=100, nullable=True)
    method = text_field("PATCH", longest=20, nullable=True)
    route = text_field("/api/v1/characters/{id}", "The endpoint's template.", longest=200, nullable=True)
    path = text_field("/api/v1/characters/chr_01jd3q8v9w7x5y2m4n6p8r0s1t", longest=2001, nullable=True)
    params = _kept({"query": {}, "body": {"status": "in_review"}}, "Query and body, secrets masked.")
    changes = _kept(None, "What changed, from what to what; of a batch or GraphQL, what was refused.")
    status_code = integer_field(200, least=100, most=599, nullable=True)
    problem = text_field(None, "The last word of the problem's type.", longest=60, nullable=True)
    request_id = text_field("req_01jd3q8v9w7x5y2m4n6p8r0s1t", longest=128, nullable=True)
    idempotency = text_field(
        "first", "`first` or `replayed`, for a call with an `Idempotency-Key`.", longest=20, nullable=True
    )
    rate_limit = text_field(
        "write 119/120", "The bucket, what was left of it, and its size.", longest=60, nullable=True
    )
    ip = text_field("192.0.2.10", longest=60, nullable=True)
    user_agent = text_field("nightly-sync/2.1", longest=401, nullable=True)
    bytes_in = integer_field(23, most=_LARGEST, nullable=True)
    bytes_out = integer_field(512, most=_LARGEST, nullable=True)
    duration_ms = fields.Float(required=True, allow_none=True, metadata={"example": 3.214})
