"""The base of every schema that documents an answer."""

from __future__ import annotations

from marshmallow import EXCLUDE, Schema


class AnswerSchema(Schema):
    """Open: a later version may add members, so no client may be told that there are no others."""

    class Meta:
        unknown = EXCLUDE
