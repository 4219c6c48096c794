"""Events as GraphQL shows them: the members of what webhooks get."""

from __future__ import annotations

from graphql import (
    GraphQLBoolean,
    GraphQLField,
    GraphQLID,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLString,
)

from .scalars import DATE_TIME, JSON


def event_type(actor: GraphQLObjectType) -> GraphQLObjectType:
    """The type of an event. `actor`: of who did it."""
    shown: dict[str, GraphQLOutputType] = {
        "id": GraphQLNonNull(GraphQLID),
        "type": GraphQLNonNull(GraphQLString),
        "version": GraphQLNonNull(GraphQLString),
        "timestamp": GraphQLNonNull(DATE_TIME),
        "project_id": GraphQLString,
        "actor": GraphQLNonNull(actor),
        "request_id": GraphQLString,
        "data": GraphQLNonNull(JSON),
        "changes": JSON,
    }
    fields = {name: GraphQLField(kind) for name, kind in shown.items()}
    fields["truncated"] = GraphQLField(
        GraphQLNonNull(GraphQLBoolean),
        resolve=lambda event, _info: event.get("truncated", False),
        description="Whether `data` is the id alone, because the whole is too long to send.",
    )
    return GraphQLObjectType("Event", fields, description="What happened, as webhooks and the feed tell it.")
