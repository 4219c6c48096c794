"""What is said of a document that is not executed."""

from __future__ import annotations

from collections.abc import Sequence

from graphql import GraphQLError

from domain.errors import FieldError

from ..problems import Problem

QUERY, VARIABLES = "/query", "/variables"


def refused(slug: str, detail: str, errors: Sequence[GraphQLError] = (), field: str = QUERY) -> Problem:
    """400 with what is wrong and where: `errors` as GraphQL's clients read them, each with a `message`."""
    told = [FieldError(field, slug, _sentence(error)) for error in errors]
    return Problem(slug, detail, errors=told or [FieldError(field, slug, detail)])


def _sentence(error: GraphQLError) -> str:
    where = [f"line {place.line}, column {place.column}" for place in error.locations or ()]
    return f"{error.message} ({where[0]})" if where else error.message
