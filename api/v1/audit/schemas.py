"""The audit trail as this door shows it."""

from __future__ import annotations

from marshmallow import fields

from ...schemas import AnswerSchema


class AuditEntrySchema(AnswerSchema):
    """One call, or one action in the portal, the command line or the system."""

    id = fields.String(required=True)
    object = fields.String(required=True)
    at = fields.DateTime(required=True)
    source = fields.String(required=True, metadata={"enum": ["api", "portal", "cli", "system"]})
    key_id = fields.String(required=True, allow_none=True)
    secret_id = fields.String(required=True, allow_none=True)
    user_id = fields.String(required=True, allow_none=True)
    action = fields.String(required=True, allow_none=True)
    method = fields.String(required=True, allow_none=True)
    route = fields.String(required=True, allow_none=True, metadata={"description": "The endpoint's template."})
    path = fields.String(required=True, allow_none=True)
    params = fields.Raw(required=True, allow_none=True)
    changes = fields.Raw(required=True, allow_none=True)
    status_code = fields.Integer(required=True, allow_none=True)
    problem = fields.String(required=True, allow_none=True)
    request_id = fields.String(required=True, allow_none=True)
    idempotency = fields.String(required=True, allow_none=True)
    rate_limit = fields.String(required=True, allow_none=True)
    ip = fields.String(required=True, allow_none=True)
    user_agent = fields.String(required=True, allow_none=True)
    bytes_in = fields.Integer(required=True, allow_none=True)
    bytes_out = fields.Integer(required=True, allow_none=True)
    duration_ms = fields.Float(required=True, allow_none=True)
