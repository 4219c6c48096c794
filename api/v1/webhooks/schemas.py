"""Webhooks as this door shows and takes them."""

from __future__ import annotations

from marshmallow import fields

from domain.events.catalogue import MOST_PATTERNS, PATTERNS, TYPES
from domain.events.schemas import PAYLOAD_VERSIONS
from domain.projects.queries import MOST_LISTED
from domain.webhooks.addresses import LONGEST_URL, URL_PATTERN
from domain.webhooks.filters import LONGEST_PATH, MOST_CONDITIONS
from domain.webhooks.headers import (
    AUTH_PARTS,
    HEADER_NAME_PATTERN,
    HEADER_VALUE_PATTERN,
    LONGEST_CREDENTIAL,
    LONGEST_HEADER_NAME,
    LONGEST_HEADER_VALUE,
    LONGEST_TOKEN,
    MOST_HEADERS,
)
from domain.webhooks.health import DISABLED_REASONS
from domain.webhooks.rules import (
    GRACE,
    HIGHEST_CONCURRENCY,
    HIGHEST_RATE,
    LONGEST_DESCRIPTION,
    LONGEST_GRACE,
    LONGEST_TIMEOUT,
    MOST_IN_FORCE,
    ORDERINGS,
)
from domain.webhooks.signing import SIGNATURES

from ...schemas import (
    NO_NUL,
    WEBHOOK_STATUSES,
    AnswerSchema,
    Boolean,
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
from ..entities import ObjectSchema

_URL = "https://tools.example.com/callsheet"
_SIGNATURE = "`v1`, unless it is given, is checked with a secret, `v1a` with a public key. Another makes a new one."
_FILTER = (
    "Conditions on the body of an event, all of which must hold; null for none. What was too large is not filtered."
)
_FILTER_EXAMPLE = {"data.status": "approved", "data.position[gte]": 10}
_ORDERING = "With `entity`, the events of one entity arrive in order; one that is stuck holds up no other entity."
_TIMEOUT = "For the whole exchange; 20 unless it is given."
_CONCURRENCY = "Most requests at one time; null for as many as it answers well."
_RATE = "Most requests a minute; null for no limit."
_HEADERS = "Its own request headers, in place of those that it had. Kept encrypted; their names alone are shown."
_AUTH = "What becomes the `Authorization` header; null for none. Kept encrypted and never shown."
_DISABLED = "Why Callsheet disabled it: the receiver answered 410, or failed for too long. Null when it did not."
_CONDITION = {
    "type": "string", "maxLength": LONGEST_PATH + 10,
    "pattern": "^(data|changes)(\\.[^\\u0000-\\u001f\\u007f\"\\\\.\\[\\]]+)+"
    "(\\[(eq|ne|gt|gte|lt|lte|in|contains|isnull)\\])?$",
}  # fmt: skip
_HEADER_NAME = {
    "type": "string", "minLength": 1, "maxLength": LONGEST_HEADER_NAME, "pattern": f"^{HEADER_NAME_PATTERN}$",
}  # fmt: skip


class PublicKeySchema(AnswerSchema):
    """What checks the signatures that one private key makes."""

    id = id_field("whs", "The `kid` in `/.well-known/webhook-keys/<webhook_id>`.")
    key = fields.String(
        required=True,
        metadata={"maxLength": 60, "pattern": "^whpk_[A-Za-z0-9+/=]+$",
                  "example": "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="},
    )  # fmt: skip
    expires_at = moment_field("When it stops signing; null for the present one.", nullable=True)


class WebhookSchema(ObjectSchema):
    """Where events are sent."""

    id = id_field("whk", "Sorts by creation.")
    object = object_field("webhook")
    url = text_field(_URL, longest=LONGEST_URL)
    description = text_field("", longest=LONGEST_DESCRIPTION)
    event_types = list_field(word_field(PATTERNS), most=MOST_PATTERNS)
    project_ids = list_field(id_field("prj"), "Only events of these projects; null for all.", nullable=True)
    payload_version = word_field(PAYLOAD_VERSIONS)
    signature = word_field(SIGNATURES)
    public_keys = list_field(fields.Nested(PublicKeySchema), "The newest first; none for `v1`.", most=MOST_IN_FORCE)
    filter = fields.Dict(
        required=True, allow_none=True, keys=fields.String(),
        metadata={"description": _FILTER, "maxProperties": MOST_CONDITIONS, "example": _FILTER_EXAMPLE},
    )  # fmt: skip
    ordering = word_field(ORDERINGS, _ORDERING)
    timeout_seconds = integer_field(LONGEST_TIMEOUT, _TIMEOUT, least=1, most=LONGEST_TIMEOUT)
    max_concurrency = integer_field(None, _CONCURRENCY, least=1, most=HIGHEST_CONCURRENCY, nullable=True)
    rate_per_minute = integer_field(None, _RATE, least=1, most=HIGHEST_RATE, nullable=True)
    header_names = list_field(
        text_field("X-Studio-Key", longest=LONGEST_HEADER_NAME), "Of its own request headers.", most=MOST_HEADERS
    )
    auth_type = word_field(tuple(AUTH_PARTS), "How its requests sign in.", nullable=True)
    enabled = fields.Boolean(required=True)
    status = word_field(WEBHOOK_STATUSES)
    failing_since = moment_field("The first failure after which nothing arrived.", nullable=True)
    disabled_reason = word_field(DISABLED_REASONS, _DISABLED, nullable=True)
    secret = fields.String(
        allow_none=True,
        metadata={"description": "`whsec_…`; where one is made, and null when that answer is replayed. "
                  "With `v1a` always null: the private key is never shown.", "maxLength": 100,
                  "pattern": "^whsec_[A-Za-z0-9+/=]+$"},
    )  # fmt: skip


class AuthSchema(RequestSchema):
    """How requests sign in: with a token, or with a user name and a password."""

    json_schema = {"example": {"type": "bearer", "token": "a-token-of-the-receiver"}}

    type = fields.String(required=True, metadata={"enum": list(AUTH_PARTS), "example": "bearer"})
    token = fields.String(
        metadata={"description": "For `bearer`.", "minLength": 1, "maxLength": LONGEST_TOKEN, "pattern": "^[!-~]+$",
                  "example": "a-token-of-the-receiver"},
    )  # fmt: skip
    username = fields.String(
        metadata={"description": "For `basic`.", "minLength": 1, "maxLength": LONGEST_CREDENTIAL,
                  "pattern": "^[^\\u0000-\\u001f\\u007f:]+$"},
    )  # fmt: skip
    password = fields.String(
        metadata={"description": "For `basic`.", "minLength": 1, "maxLength": LONGEST_CREDENTIAL,
                  "pattern": "^[^\\u0000-\\u001f\\u007f]+$"},
    )  # fmt: skip


class WebhookChangeSchema(RequestSchema):
    """Terms of a webhook."""

    url = fields.String(metadata={"maxLength": LONGEST_URL, "pattern": URL_PATTERN, "example": _URL})
    event_types = fields.List(
        word_field(PATTERNS),
        metadata={"description": "Exact names, families such as `asset.*`, or `*`.", "minItems": 1,
                  "maxItems": MOST_PATTERNS},
    )  # fmt: skip
    description = fields.String(metadata={"maxLength": LONGEST_DESCRIPTION, "pattern": NO_NUL})
    project_ids = fields.List(
        fields.String(metadata=id_metadata("prj")),
        allow_none=True, metadata={"minItems": 1, "maxItems": MOST_LISTED},
    )  # fmt: skip
    payload_version = fields.String(metadata={"enum": list(PAYLOAD_VERSIONS)})
    signature = fields.String(metadata={"enum": list(SIGNATURES), "description": _SIGNATURE})
    enabled = Boolean()
    filter = fields.Dict(
        keys=fields.String(), allow_none=True,
        metadata={"description": _FILTER, "minProperties": 1, "maxProperties": MOST_CONDITIONS,
                  "propertyNames": _CONDITION, "example": _FILTER_EXAMPLE},
    )  # fmt: skip
    ordering = fields.String(metadata={"enum": list(ORDERINGS), "description": _ORDERING})
    timeout_seconds = Integer(
        metadata={"minimum": 1, "maximum": LONGEST_TIMEOUT, "format": "int32", "description": _TIMEOUT}
    )
    max_concurrency = Integer(
        allow_none=True,
        metadata={"minimum": 1, "maximum": HIGHEST_CONCURRENCY, "format": "int32", "description": _CONCURRENCY},
    )
    rate_per_minute = Integer(
        allow_none=True, metadata={"minimum": 1, "maximum": HIGHEST_RATE, "format": "int32", "description": _RATE}
    )
    headers = fields.Dict(
        keys=fields.String(),
        values=fields.String(metadata={"minLength": 1, "maxLength": LONGEST_HEADER_VALUE,
                                       "pattern": f"^{HEADER_VALUE_PATTERN}$"}),
        metadata={"description": _HEADERS, "maxProperties": MOST_HEADERS, "propertyNames": _HEADER_NAME,
                  "example": {"X-Studio-Key": "a value of the receiver"}},
    )  # fmt: skip
    auth = fields.Nested(AuthSchema, allow_none=True, metadata={"description": _AUTH})


class NewWebhookSchema(WebhookChangeSchema):
    """What an admin registers."""

    url = fields.String(required=True, metadata={"maxLength": LONGEST_URL, "pattern": URL_PATTERN, "example": _URL})
    event_types = list_field(
        word_field(PATTERNS), "Exact names, families such as `asset.*`, or `*`.", least=1, most=MOST_PATTERNS
    )


class SecretRotationSchema(RequestSchema):
    """How long what signed before goes on signing beside the new secret or key."""

    grace_seconds = Integer(
        load_default=GRACE, metadata={"minimum": 0, "maximum": LONGEST_GRACE, "format": "int32", "example": GRACE}
    )


class NewTestSchema(RequestSchema):
    """Which example to send."""

    event_type = fields.String(load_default="webhook.test", metadata={"enum": list(TYPES), "example": "asset.approved"})
