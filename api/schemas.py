"""The base of every schema, and the fields that they are made of.

A field says in the document exactly what is enforced (of a request) or kept (of an answer): lengths, bounds, patterns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, fields

from domain.ids import ALPHABET
from domain.ids import LENGTH as ID_LENGTH

ASSET_OBJECTS = ("character", "scene", "segment")
PROJECT_STATUSES = ("active", "archived")
DELIVERY_STATUSES = ("pending", "sending", "delivered", "failed", "cancelled")
WEBHOOK_STATUSES = ("healthy", "failing", "disabled")
ACTOR_TYPES = ("api_key", "user", "system")
AUDIT_SOURCES = ("api", "portal", "cli", "system")
LARGEST_INTEGER = 2**31 - 1
LONGEST_TEXT = 1024 * 1024  # nothing longer can have come in
MOST_ITEMS = 500
# JSON bodies with a NUL are refused, whatever the field.
NO_NUL = "^[^\\u0000]*$"
_EXAMPLE_TAIL = "01jd3q8v9w7x5y2m4n6p8r0s1t"


class AnswerSchema(Schema):
    """Open: a later version may add members, so no client may be told that there are no others."""

    class Meta:
        unknown = EXCLUDE


class RequestSchema(Schema):
    """Closed: a member that is not taken is refused, so that no typing error goes unnoticed."""

    class Meta:
        unknown = RAISE


def id_pattern(prefix: str) -> str:
    """A regular expression of the ids with this prefix."""
    return f"^{prefix}_[{ALPHABET}]{{{ID_LENGTH}}}$"


def example_id(prefix: str) -> str:
    """An id that looks like a real one."""
    return f"{prefix}_{_EXAMPLE_TAIL}"


def _options(metadata: dict[str, Any], description: str, nullable: bool) -> dict[str, Any]:
    shown = {**metadata, **({"description": description} if description else {})}
    return {"required": True, "allow_none": nullable, "metadata": shown}


def id_field(prefix: str, description: str = "", *, nullable: bool = False) -> fields.String:
    """The id of an object with this prefix."""
    bounds = {"pattern": id_pattern(prefix), "maxLength": len(prefix) + 1 + ID_LENGTH}
    return fields.String(**_options({**bounds, "example": example_id(prefix)}, description, nullable))


def object_field(word: str) -> fields.String:
    """The `object` member: always this word."""
    return fields.String(**_options({"enum": [word]}, "", False))


def moment_field(description: str = "", *, nullable: bool = False) -> fields.DateTime:
    """RFC 3339 in UTC with milliseconds."""
    return fields.DateTime(**_options({"maxLength": 24, "example": "2026-01-01T00:00:00.000Z"}, description, nullable))


def text_field(
    example: str | None, description: str = "", *, longest: int = LONGEST_TEXT, nullable: bool = False
) -> fields.String:
    """Text of an answer."""
    bounds = {"maxLength": longest, "pattern": NO_NUL, "example": example}
    return fields.String(**_options(bounds, description, nullable))


def word_field(words: Sequence[str], description: str = "", *, nullable: bool = False) -> fields.String:
    """One of these words."""
    return fields.String(**_options({"enum": [str(word) for word in words]}, description, nullable))


def integer_field(
    example: int | None,
    description: str = "",
    *,
    least: int = 0,
    most: int = LARGEST_INTEGER,
    nullable: bool = False,
) -> fields.Integer:
    """A whole number of an answer."""
    kind = "int32" if least >= -LARGEST_INTEGER and most <= LARGEST_INTEGER else "int64"
    bounds = {"format": kind, "minimum": least, "maximum": most, "example": example}
    return fields.Integer(**_options(bounds, description, nullable))


def list_field(
    item: fields.Field[Any], description: str = "", *, least: int = 0, most: int = MOST_ITEMS, nullable: bool = False
) -> fields.List[Any]:
    """A list."""
    bounds = {"minItems": least, "maxItems": most} if least else {"maxItems": most}
    return fields.List(item, **_options(bounds, description, nullable))


def texts_by_name_field(example: dict[str, str], description: str = "") -> fields.Dict:
    """An object whose members are texts."""
    text = fields.String(metadata={"maxLength": LONGEST_TEXT, "pattern": NO_NUL})
    return fields.Dict(keys=fields.String(), values=text, **_options({"example": example}, description, False))
