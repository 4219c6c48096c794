"""The types of single values that GraphQL itself does not have. What they hold, the domain judges."""

from __future__ import annotations

from graphql import GraphQLScalarType

JSON = GraphQLScalarType("JSON", description="Any JSON value.")
DATE_TIME = GraphQLScalarType("DateTime", description="A time of RFC 3339 in UTC, with milliseconds.")
LONG = GraphQLScalarType("Long", description="A whole number of up to 64 bits.")
