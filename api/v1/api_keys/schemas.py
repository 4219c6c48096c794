"""API keys as this door shows and takes them. What a key may be is the domain's to judge."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from domain.access import Role, Scope
from domain.api_keys.queries import SECRET_STATUSES, STATUSES
from domain.api_keys.rules import (
    ALLOWLIST_MODES,
    GRACE,
    HIGHEST_LIMIT,
    LONGEST_CIDR,
    LONGEST_DESCRIPTION,
    LONGEST_GRACE,
    LONGEST_NAME,
    LONGEST_REASON,
    LONGEST_TAG,
    MOST_CIDRS,
    MOST_SECRETS,
    MOST_TAGS,
    READ_PER_MINUTE,
    TAG_PATTERN,
    WRITE_PER_MINUTE,
)
from domain.api_keys.tokens import PATTERN, check_digits
from domain.projects.queries import MOST_LISTED

from ...schemas import (
    NO_NUL,
    NOT_ONLY_SPACES,
    AnswerSchema,
    Integer,
    Moment,
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
from ..approvals.schemas import ActorSchema
from ..entities import ObjectSchema

_ABOUT = "Both ways, every few minutes."
_WHY = "The laptop it was typed into is gone."
_TAG: dict[str, Any] = {
    "minLength": 1, "maxLength": LONGEST_TAG, "pattern": f"^{TAG_PATTERN}$", "example": "pipeline",
}  # fmt: skip
_CIDR: dict[str, Any] = {"maxLength": LONGEST_CIDR, "pattern": NO_NUL, "example": "10.20.0.0/16"}
_PROJECTS = "The only projects it sees, for the scope `project`; null for all."
_CIDRS = "Addresses and ranges it may be used from, IPv4 or IPv6; none for anywhere."
_MODE = "`dry_run` lets calls from elsewhere in, and the portal shows who would have been refused."
_TAGS = "Words to find it by."
_NEVER = "null for never."
_BODY = "csk_4fYq0NwTz8Lm_Zp3xKd7RvB2sQn9WcT6hYj1LgF5mXa8E"
_KEY = f"{_BODY}_{check_digits(_BODY)}"


def cidrs_field() -> fields.List[str]:
    """The allowlist of a key, in an answer."""
    return list_field(fields.String(metadata=_CIDR), _CIDRS, most=MOST_CIDRS)


class SecretSchema(AnswerSchema):
    """One of the texts that a key is presented by; a rotation adds one."""

    id = text_field("4fYq0NwTz8Lm", "The public part of the text.", longest=12)
    status = word_field(SECRET_STATUSES)
    created_at = moment_field()
    retired_at = moment_field("When a rotation replaced it.", nullable=True)
    expires_at = moment_field("When it stops working; null while the key does not.", nullable=True)
    last_used_at = moment_field("To the minute.", nullable=True)
    last_used_ip = text_field("192.0.2.10", longest=60, nullable=True)


class ApiKeySchema(ObjectSchema):
    """Who calls, what they may do, and how much of it."""

    id = id_field("key", "Sorts by creation.")
    object = object_field("api_key")
    name = text_field("ShotGrid sync", longest=LONGEST_NAME)
    description = text_field(_ABOUT, longest=LONGEST_DESCRIPTION)
    tags = list_field(fields.String(metadata=_TAG), _TAGS, most=MOST_TAGS)
    role = word_field(tuple(Role))
    scope = word_field(tuple(Scope))
    project_ids = list_field(id_field("prj"), _PROJECTS, most=MOST_LISTED, nullable=True)
    read_per_minute = integer_field(READ_PER_MINUTE, "Calls that read.", least=1, most=HIGHEST_LIMIT)
    write_per_minute = integer_field(WRITE_PER_MINUTE, "Calls that write.", least=1, most=HIGHEST_LIMIT)
    allowed_cidrs = cidrs_field()
    allowlist_mode = word_field(ALLOWLIST_MODES)
    expires_at = moment_field(_NEVER, nullable=True)
    status = word_field(STATUSES)
    suspended_at = moment_field(nullable=True)
    suspended_reason = text_field(None, longest=LONGEST_REASON, nullable=True)
    revoked_at = moment_field(nullable=True)
    revoked_reason = text_field(None, longest=LONGEST_REASON, nullable=True)
    last_used_at = moment_field("To the minute.", nullable=True)
    last_used_ip = text_field("192.0.2.10", longest=60, nullable=True)
    secrets = list_field(fields.Nested(SecretSchema), "The newest first.", most=MOST_SECRETS)
    created_by = fields.Nested(ActorSchema, required=True)
    key = fields.String(
        allow_none=True,
        metadata={"description": "The text to present; at creation and rotation only, null when that answer is "
                  "replayed.", "maxLength": 60, "pattern": f"^{PATTERN}$", "example": _KEY},
    )  # fmt: skip


class ApiKeyChangeSchema(RequestSchema):
    """What of a key may change: all that is said of it, but not its secrets."""

    name = fields.String(
        metadata={"minLength": 1, "maxLength": LONGEST_NAME, "pattern": NOT_ONLY_SPACES, "example": "ShotGrid sync"}
    )
    description = fields.String(metadata={"maxLength": LONGEST_DESCRIPTION, "pattern": NO_NUL, "example": _ABOUT})
    tags = fields.List(
        fields.String(metadata=_TAG),
        metadata={"description": _TAGS, "maxItems": MOST_TAGS, "example": ["pipeline", "sync"]},
    )
    role = fields.String(metadata={"enum": list(Role), "example": "creator"})
    scope = fields.String(metadata={"enum": list(Scope), "example": "full"})
    project_ids = fields.List(
        fields.String(metadata=id_metadata("prj")),
        allow_none=True, metadata={"description": _PROJECTS, "maxItems": MOST_LISTED, "example": None},
    )  # fmt: skip
    read_per_minute = Integer(
        metadata={"minimum": 1, "maximum": HIGHEST_LIMIT, "format": "int32", "example": READ_PER_MINUTE}
    )
    write_per_minute = Integer(
        metadata={"minimum": 1, "maximum": HIGHEST_LIMIT, "format": "int32", "example": WRITE_PER_MINUTE}
    )
    allowed_cidrs = fields.List(
        fields.String(metadata=_CIDR),
        metadata={"description": _CIDRS, "maxItems": MOST_CIDRS, "example": ["10.20.0.0/16", "2001:db8::/32"]},
    )
    allowlist_mode = fields.String(metadata={"enum": list(ALLOWLIST_MODES), "description": _MODE, "example": "enforce"})
    expires_at = Moment(
        allow_none=True, metadata={"description": f"In the future; {_NEVER}", "maxLength": 40,
                                   "example": "2099-01-01T00:00:00.000Z"},
    )  # fmt: skip


class NewApiKeySchema(ApiKeyChangeSchema):
    """What an admin asks for."""

    name = fields.String(
        required=True,
        metadata={"minLength": 1, "maxLength": LONGEST_NAME, "pattern": NOT_ONLY_SPACES, "example": "ShotGrid sync"},
    )
    role = fields.String(required=True, metadata={"enum": list(Role), "example": "creator"})
    scope = fields.String(required=True, metadata={"enum": list(Scope), "example": "full"})
    expires_at = Moment(
        allow_none=True,
        metadata={"description": f"In the future; {_NEVER} When absent, after as many days as the studio has settled "
                  "on, 365 unless it chose others.", "maxLength": 40, "example": "2099-01-01T00:00:00.000Z"},
    )  # fmt: skip


class RotationSchema(RequestSchema):
    """How long the secret that is replaced goes on working."""

    grace_seconds = Integer(
        load_default=GRACE, metadata={"minimum": 0, "maximum": LONGEST_GRACE, "format": "int32", "example": GRACE}
    )


class ReasonSchema(RequestSchema):
    """Why, for whoever looks at the key."""

    reason = fields.String(load_default="", metadata={"maxLength": LONGEST_REASON, "pattern": NO_NUL, "example": _WHY})


class LeakedKeySchema(RequestSchema):
    """What was found."""

    key = fields.String(
        required=True,
        metadata={"description": "The text of a key.", "maxLength": 200, "pattern": f"^{PATTERN}$", "example": _KEY},
    )


class LeakReportSchema(AnswerSchema):
    """The report, whatever came of it."""

    object = object_field("leak_report")
    status = word_field(("accepted",))
