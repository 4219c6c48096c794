"""GraphQL's requests and answers as this door takes and gives them."""

from __future__ import annotations

from marshmallow import fields

from ...graphql.limits import LONGEST_QUERY
from ...schemas import NO_NUL, AnswerSchema, RequestSchema, integer_field, list_field, text_field, word_field

_QUERY = "query Board($first: Int) { projects(first: $first) { nodes { id name scenes(first: 5) { totalCount } } } }"


class GraphQLRequestSchema(RequestSchema):
    """A document, and which of its operations to execute with what."""

    query = fields.String(
        required=True,
        metadata={"maxLength": LONGEST_QUERY, "pattern": NO_NUL, "description": "The document.", "example": _QUERY},
    )
    variables = fields.Dict(
        keys=fields.String(),
        values=fields.Raw(allow_none=True),
        allow_none=True,
        metadata={"description": "By name, without the `$`.", "example": {"first": 5}},
    )
    operationName = fields.String(  # noqa: N815 - GraphQL's name
        allow_none=True,
        metadata={
            "maxLength": LONGEST_QUERY,
            "pattern": NO_NUL,
            "description": "Needed when there are several.",
            "example": "Board",
        },
    )
    extensions = fields.Dict(
        keys=fields.String(),
        values=fields.Raw(allow_none=True),
        allow_none=True,
        metadata={"description": "Taken, as the specification asks, and not used."},
    )


class GraphQLErrorSchema(AnswerSchema):
    """What went wrong with a part of the answer, which is null there."""

    message = text_field("There is no character 'chr_none' that this caller can see.")
    path = fields.List(
        fields.Raw(),
        required=True,
        allow_none=True,
        metadata={"maxItems": 1000, "description": "Where in `data`.", "example": ["character"]},
    )
    extensions = fields.Dict(
        keys=fields.String(), values=fields.Raw(allow_none=True), required=True,
        metadata={"description": "`code`: the last word of the problem's type in REST; `status`: the status there.",
                  "example": {"code": "not-found", "status": 404}},
    )  # fmt: skip


class GraphQLCostSchema(AnswerSchema):
    """What the call cost."""

    bucket = word_field(("read", "write"))
    tokens = integer_field(1, "Taken of the bucket.", least=1)
    rows = integer_field(30, "The most that the operation could load.")


class GraphQLExtensionsSchema(AnswerSchema):
    """What the answer tells besides."""

    cost = fields.Nested(GraphQLCostSchema, required=True)


class GraphQLAnswerSchema(AnswerSchema):
    """What was asked for, and what went wrong with parts of it."""

    whole = True

    data = fields.Dict(
        keys=fields.String(), values=fields.Raw(allow_none=True), required=True,
        metadata={"description": "As the operation asks.", "example": {"projects": {"nodes": []}}},
    )  # fmt: skip
    errors = list_field(fields.Nested(GraphQLErrorSchema), "Absent when there are none.", most=100)
    errors.required = False
    extensions = fields.Nested(GraphQLExtensionsSchema, required=True)
