"""Reading a request's body: strict JSON, then the operation's schema; a mistake is named by its pointer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError
from werkzeug.http import parse_options_header

from domain.errors import FieldError, Invalid

from .call import Call
from .json_body import BadJson
from .problems import Problem


def load_body(call: Call, schema: Schema, largest: int) -> dict[str, Any]:
    """The body as `schema` reads it; an absent one is an empty object.

    Raises:
        Problem: 413 over `largest` bytes, 415, 400 for what is no JSON.
        Invalid: not an object, or fields that break a rule.
    """
    if len(call.raw_body) > largest:
        raise Problem("body-too-large", f"Keep the body of this call to {largest:,} bytes.")
    if call.raw_body and not _may_be_json(call.environ.get("CONTENT_TYPE", "")):
        raise Problem("unsupported-media-type", "Send `Content-Type: application/json`.")
    try:
        value = call.body_value()
    except BadJson as error:
        raise Problem("malformed-json", str(error)) from None
    return read_fields(schema, {} if value is None and not call.raw_body else value)


def _may_be_json(content_type: str) -> bool:
    """Whether a body of this type may be JSON; of one without a type, its sender means what we expect."""
    kind = parse_options_header(content_type)[0].lower()
    return kind in ("", "application/json") or (kind.startswith("application/") and kind.endswith("+json"))


def read_fields(schema: Schema, value: Any) -> dict[str, Any]:
    """The fields of a JSON object as `schema` reads them.

    Raises:
        Invalid: not an object, or fields that break a rule.
    """
    if not isinstance(value, dict):
        raise Invalid(FieldError("", "type", "The body must be a JSON object."))
    try:
        loaded: dict[str, Any] = schema.load(value)
    except ValidationError as error:
        raise Invalid(*field_errors(error.messages)) from None
    return loaded


def field_errors(messages: Any, pointer: str = "") -> list[FieldError]:
    """marshmallow's nested messages as a flat list of pointers and sentences."""
    if isinstance(messages, Mapping):
        found = []
        for name, inner in messages.items():
            step = "" if name == "_schema" else "/" + str(name).replace("~", "~0").replace("/", "~1")
            found += field_errors(inner, pointer + step)
        return found
    texts = messages if isinstance(messages, list) else [messages]
    return [FieldError(pointer, _code(str(text)), _SAID.get(str(text), str(text))) for text in texts]


# What marshmallow says of a type, in words that say what would be right.
_SAID = {
    "Missing data for required field.": "This field is required.",
    "Field may not be null.": "Give a value: null is none here.",
    "Not a valid string.": "Must be a text, in quotes.",
    "Not a valid integer.": "Must be a whole number, such as 20, without quotes.",
    "Not a valid number.": "Must be a number, such as 2.5, without quotes.",
    "Not a valid boolean.": "Must be true or false, without quotes.",
    "Not a valid list.": "Must be a list, such as [] or [1, 2].",
    "Not a valid mapping type.": "Must be an object, such as {}.",
    "Invalid type.": "Must be an object, such as {}.",
}


def _code(message: str) -> str:
    words = {
        "Missing data": "required",
        "Unknown field": "unknown_field",
        "Not a valid": "type",
        "Must be one of": "unknown",
        "Must be an object": "type",
    }
    return next((code for start, code in words.items() if message.startswith(start)), "invalid")
