"""Deliveries as this door shows them."""

from __future__ import annotations

from marshmallow import fields

from ...schemas import AnswerSchema


class DeliverySchema(AnswerSchema):
    """One event for one webhook."""

    id = fields.String(required=True)
    object = fields.String(required=True)
    webhook_id = fields.String(required=True)
    event_id = fields.String(required=True, metadata={"description": "The `webhook-id` of every attempt."})
    event_type = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": ["pending", "sending", "delivered", "failed", "cancelled"]})
    attempts_count = fields.Integer(required=True)
    next_attempt_at = fields.DateTime(required=True, allow_none=True)
    last_status_code = fields.Integer(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    finished_at = fields.DateTime(required=True, allow_none=True)


class AttemptSchema(AnswerSchema):
    """One attempt of a delivery."""

    number = fields.Integer(required=True)
    started_at = fields.DateTime(required=True)
    duration_ms = fields.Integer(required=True)
    address = fields.String(required=True, allow_none=True)
    status_code = fields.Integer(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)
    message = fields.String(required=True)
    request_headers = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    response_headers = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    response_body = fields.String(required=True)


class DeliveryWithAttemptsSchema(DeliverySchema):
    """A delivery fetched alone."""

    attempts = fields.List(fields.Nested(AttemptSchema), required=True)
