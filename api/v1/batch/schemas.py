"""Batches as this door takes and answers them."""

from __future__ import annotations

from marshmallow import fields, validate

from ...schemas import NO_NUL, AnswerSchema, Boolean, RequestSchema, integer_field

METHODS = ("POST", "PATCH", "PUT", "DELETE")
MOST_OPERATIONS = 500
REF = r"[A-Za-z][A-Za-z0-9_\-]{0,39}"
_NO_CONTROLS = r"[^\x00-\x1f\x7f]*"  # of a header's value


class BatchOperationSchema(RequestSchema):
    """One call of a batch."""

    ref = fields.String(
        validate=validate.Regexp(rf"{REF}\Z", error="Name it in 1 to 40 letters, digits, `_` and `-`, a letter first."),
        metadata={
            "maxLength": 40,
            "pattern": f"^{REF}$",
            "description": "A name for what it makes, unique in the batch.",
            "example": "opening",
        },
    )
    method = fields.String(required=True, validate=validate.OneOf(METHODS), metadata={"example": "POST"})
    path = fields.String(
        required=True,
        validate=validate.Length(1, 1000),
        metadata={
            "pattern": NO_NUL,
            "description": "Relative to the base; `$opening.id` is the id of what `opening` made.",
            "example": "/scenes",
        },
    )
    body = fields.Dict(
        keys=fields.String(),
        values=fields.Raw(allow_none=True),
        allow_none=True,
        metadata={
            "description": '`"$opening.id"` as a value is replaced likewise; a text like it is written `$$…`.',
            "example": {"project_id": "prj_01jd3q8v9w7x5y2m4n6p8r0s1t", "name": "The lamp goes out"},
        },
    )
    if_match = fields.String(
        validate=[validate.Length(1, 1000), validate.Regexp(rf"{_NO_CONTROLS}\Z", error="Keep it on one line.")],
        metadata={
            "pattern": f"^{_NO_CONTROLS}$",
            "description": "What the header `If-Match` would say.",
            "example": '"*"',
        },
    )


class BatchSchema(RequestSchema):
    """Up to 500 writes, in order."""

    atomic = Boolean(
        load_default=True, metadata={"description": "All or nothing; else each stands or falls by itself."}
    )
    dry_run = Boolean(load_default=False, metadata={"description": "Answer as if, and change nothing."})
    operations = fields.List(
        fields.Nested(BatchOperationSchema), required=True, validate=validate.Length(1, MOST_OPERATIONS)
    )


class BatchResultSchema(AnswerSchema):
    """What one operation came to."""

    status = integer_field(201, "The status that the call alone would have had.", least=200, most=599)
    body = fields.Dict(
        keys=fields.String(), values=fields.Raw(allow_none=True), required=True,
        metadata={"description": "The body that the call alone would have had: an object in `data`, or a problem.",
                  "example": {"data": {"object": "scene", "name": "The lamp goes out"}}},
    )  # fmt: skip
