"""The GraphQL schema, made of REST's operations and of the domain's declarations."""

from __future__ import annotations

from collections.abc import Sequence

from graphql import GraphQLSchema, assert_valid_schema

from ..operation import Operation
from .mutations import mutations
from .queries import Queries
from .types import Types


def make_schema(operations: Sequence[Operation], writes: Sequence[Operation]) -> GraphQLSchema:
    """The schema over these operations. `writes`: those that become mutations."""
    types = Types()
    query = Queries(types, {operation.id: operation for operation in operations}).build()
    schema = GraphQLSchema(query, mutations(types, writes))
    assert_valid_schema(schema)
    return schema
