"""Deliveries as this door shows them."""

from __future__ import annotations

from marshmallow import fields

from domain.events.catalogue import TYPES

from ...schemas import (
    DELIVERY_STATUSES,
    NO_NUL,
    AnswerSchema,
    id_field,
    integer_field,
    list_field,
    moment_field,
    object_field,
    text_field,
    texts_by_name_field,
    word_field,
)


class DeliverySchema(AnswerSchema):
    """One event for one webhook."""

    id = id_field("dlv", "Sorts by creation.")
    object = object_field("delivery")
    webhook_id = id_field("whk")
    event_id = id_field("evt", "The `webhook-id` of every attempt.")
    event_type = word_field(tuple(TYPES))
    status = word_field(DELIVERY_STATUSES)
    attempts_count = integer_field(1)
    next_attempt_at = moment_field(nullable=True)
    last_status_code = integer_field(200, least=100, most=999, nullable=True)
    created_at = moment_field()
    finished_at = moment_field(nullable=True)


class TlsSchema(AnswerSchema):
    """The TLS of a connection."""

    version = text_field("TLSv1.3", longest=40, nullable=True)
    cipher = text_field("TLS_AES_256_GCM_SHA384", longest=100, nullable=True)
    issuer = text_field("Let's Encrypt", "Who vouches for the certificate.", longest=1000, nullable=True)
    expires_at = moment_field("When the certificate does.", nullable=True)


class AttemptDetailsSchema(AnswerSchema):
    """The connection of one attempt."""

    dns = list_field(
        fields.String(metadata={"maxLength": 100, "pattern": NO_NUL, "example": "93.184.216.34"}),
        "What the name resolved to; none where the URL holds an address.",
    )
    address = text_field("93.184.216.34:443", "Where it connected.", longest=100, nullable=True)
    tls = fields.Nested(TlsSchema, required=True, allow_none=True)
    phases = fields.Dict(
        keys=fields.String(), values=fields.Float(metadata={"minimum": 0}), required=True,
        metadata={"description": "Milliseconds of each phase that it came to.",
                  "example": {"dns": 2.1, "connect": 11.4, "tls": 24.9, "first_byte": 41.2, "body": 0.3}},
    )  # fmt: skip


class AttemptSchema(AnswerSchema):
    """One attempt of a delivery."""

    number = integer_field(1, least=1)
    started_at = moment_field()
    duration_ms = integer_field(41)
    address = text_field("93.184.216.34", "Where it connected.", longest=100, nullable=True)
    status_code = integer_field(200, least=100, most=999, nullable=True)
    error = text_field(None, "A stable word, such as `timeout`.", longest=60, nullable=True)
    message = text_field("", "A sentence for people.")
    details = fields.Nested(
        AttemptDetailsSchema, required=True, allow_none=True, metadata={"description": "Of a test's attempts alone."}
    )
    request_headers = texts_by_name_field({"webhook-id": "evt_01jd3q8v9w7x5y2m4n6p8r0s1t"})
    response_headers = texts_by_name_field({"content-type": "text/plain"})
    response_body = text_field("ok", "Its first 16 KiB.", longest=16 * 1024)


class DeliveryWithAttemptsSchema(DeliverySchema):
    """A delivery fetched alone."""

    attempts = list_field(fields.Nested(AttemptSchema), "The newest first.", most=1000)
