"""The base of every schema, and the fields that they are made of.

A field says in the document exactly what is enforced (of a request) or kept (of an answer): lengths, bounds, patterns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, validate

from domain.clock import parse_rfc3339
from domain.filters import quoted
from domain.ids import LENGTH as ID_LENGTH
from domain.ids import id_pattern
from domain.metadata.rules import LONGEST_KEY

ASSET_OBJECTS = ("character", "scene", "segment")
DELIVERY_STATUSES = ("pending", "sending", "delivered", "failed", "cancelled")
WEBHOOK_STATUSES = ("healthy", "failing", "disabled")
ACTOR_TYPES = ("api_key", "user", "system")
LARGEST_INTEGER = 2**31 - 1
LONGEST_WAIT = 60  # seconds that a call may wait for something to happen
LONGEST_TEXT = 1024 * 1024  # nothing longer can have come in
MOST_ITEMS = 500
# JSON bodies with a NUL are refused, whatever the field.
NO_NUL = "^[^\\u0000]*$"
_SPACES = r"\t-\r\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # what `str.strip` strips
NOT_ONLY_SPACES = f"^[^\\u0000]*[^\\u0000{_SPACES}][^\\u0000]*$"
METADATA_KEY = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": NO_NUL}
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", re.ASCII | re.IGNORECASE)
_EXAMPLE_TAIL = "01jd3q8v9w7x5y2m4n6p8r0s1t"


class AnswerSchema(Schema):
    """Open: a later version may add members, so no client may be told that there are no others."""

    class Meta:
        unknown = EXCLUDE


class RequestSchema(Schema):
    """Closed: a member that is not taken is refused, so that no typing error goes unnoticed."""

    class Meta:
        unknown = RAISE

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        names = quoted(field.data_key or name for name, field in self.load_fields.items()) or "none"
        self.error_messages |= {
            "unknown": f"Unknown field; there are {names}.",
            "type": f"Must be an object; its fields are {names}.",
        }


class Integer(fields.Integer):
    """A whole number; marshmallow's own takes `"5"` and `true` too."""

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or int(value) != value:
            raise self.make_error("invalid", input=value)
        return int(value)


class Number(fields.Float):
    """A number; marshmallow's own takes `"5"` and `true` too."""

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.make_error("invalid", input=value)
        return float(value)


class Boolean(fields.Boolean):
    """True or false; marshmallow's own takes `"yes"` and 1 too."""

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Moment(fields.DateTime):
    """A time of RFC 3339, with its offset; marshmallow's own takes other forms of ISO 8601 too."""

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> datetime:
        try:
            if not _RFC3339.fullmatch(value):
                raise ValueError
            moment = parse_rfc3339(value.upper())
        except (TypeError, ValueError, OverflowError):
            message = "Not a valid time: give one such as 2027-01-01T00:00:00Z."
            raise ValidationError(message) from None
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def example_id(prefix: str) -> str:
    """An id that looks like a real one."""
    return f"{prefix}_{_EXAMPLE_TAIL}"


def id_metadata(prefix: str, description: str = "") -> dict[str, Any]:
    """What a field that takes or shows such an id says of itself."""
    bounds = {"pattern": id_pattern(prefix), "maxLength": len(prefix) + 1 + ID_LENGTH, "example": example_id(prefix)}
    return {**bounds, "description": description} if description else bounds


def _options(metadata: dict[str, Any], description: str, nullable: bool) -> dict[str, Any]:
    shown = {**metadata, **({"description": description} if description else {})}
    return {"required": True, "allow_none": nullable, "metadata": shown}


def id_field(prefix: str, description: str = "", *, nullable: bool = False) -> fields.String:
    """The id of an object with this prefix."""
    return fields.String(**_options(id_metadata(prefix), description, nullable))


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


def word_field(
    words: Sequence[str], description: str = "", *, nullable: bool = False, example: str | None = None
) -> fields.String:
    """One of these words."""
    allowed: list[str | None] = [*map(str, words), *([None] if nullable else [])]
    shown = {"enum": allowed, **({} if example is None else {"example": example})}
    return fields.String(**_options(shown, description, nullable))


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


def wait_field(description: str) -> Number:
    """How long a call waits while there is nothing yet: of the body of an operation with `Waits.BODY`."""
    bounds = {"minimum": 0, "maximum": LONGEST_WAIT, "default": 0, "example": 0}
    told = {**bounds, "description": description}
    return Number(load_default=0, validate=validate.Range(0, LONGEST_WAIT), metadata=told)


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
