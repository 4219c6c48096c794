"""The base of every schema that documents an answer, and fields that take JSON's types and no others."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, fields


class AnswerSchema(Schema):
    """Open: a later version may add members, so no client may be told that there are no others."""

    class Meta:
        unknown = EXCLUDE


class Integer(fields.Integer):
    """A whole number; marshmallow's own takes `"5"` and `true` too."""

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or int(value) != value:
            raise self.make_error("invalid", input=value)
        return int(value)


class Boolean(fields.Boolean):
    """True or false; marshmallow's own takes `"yes"` and 1 too."""

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value
