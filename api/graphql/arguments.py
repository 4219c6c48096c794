"""The arguments of a list: the grammar of REST's query parameters, in GraphQL's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLString,
)

from domain.errors import BadQuery
from domain.filters import OPERATORS
from domain.list_query import LARGEST_LIMIT
from domain.list_spec import ListSpec

from .scalars import JSON

DEFAULT_FIRST = 20
# Name and value pairs, as `domain.listing.parse` takes them; they may serve as a key.
Parameters = tuple[tuple[str, str], ...]

_OPERATOR = GraphQLEnumType("FilterOperator", {name: name for name in OPERATORS})
FILTER = GraphQLInputObjectType(
    "Filter",
    {
        "field": GraphQLInputField(
            GraphQLNonNull(GraphQLString), description="Such as `status` or `metadata.lens_mm`."
        ),
        "op": GraphQLInputField(_OPERATOR, default_value="eq"),
        "value": GraphQLInputField(GraphQLNonNull(JSON), description="A list for `in`; true or false for `isnull`."),
    },
    description="What REST writes `field[op]=value`.",
)


def list_arguments(spec: ListSpec) -> dict[str, GraphQLArgument]:
    """Those of a list with this grammar."""
    found = {
        "first": GraphQLArgument(GraphQLInt, default_value=DEFAULT_FIRST, description=f"1 to {LARGEST_LIMIT}."),
        "after": GraphQLArgument(GraphQLString, description="A cursor of this list, with the same `sort`."),
        "sort": GraphQLArgument(GraphQLString, description=f"As REST's; without it `{spec.default_sort}`."),
        "filter": GraphQLArgument(GraphQLList(GraphQLNonNull(FILTER)), description="All of them must hold."),
    }
    if spec.searched:
        found["q"] = GraphQLArgument(GraphQLString, description="Words that must all be found.")
    return found


def parameters_of(given: Mapping[str, Any]) -> Parameters:
    """The arguments as query parameters.

    Raises:
        BadQuery: `first` is out of range, or a filter has a value that no parameter can hold.
    """
    first = DEFAULT_FIRST if given.get("first") is None else given["first"]
    if not 1 <= first <= LARGEST_LIMIT:
        raise BadQuery("first", f"`first` must be a whole number from 1 to {LARGEST_LIMIT}.")
    found = [("limit", str(first))]
    found += [(name, given[arg]) for arg, name in _AS_THEY_ARE.items() if given.get(arg) is not None]
    for each in given.get("filter") or ():
        field, operator = each["field"], each.get("op") or "eq"
        if field in _NO_FILTERS:
            raise BadQuery(field, f"{field!r} is no field to filter by.")
        name = field if operator == "eq" else f"{field}[{operator}]"
        found.append((name, _text(field, each["value"])))
    return tuple(found)


_AS_THEY_ARE = {"after": "cursor", "sort": "sort", "q": "q"}
_NO_FILTERS = frozenset({"limit", "cursor", "sort", "total", "fields", "expand", "q"})


def _text(field: str, value: Any) -> str:
    if isinstance(value, list):
        parts = [_text(field, each) for each in value]
        if any("," in part for part in parts):
            raise BadQuery(field[:60], "A value in a list cannot hold a comma.")
        return ",".join(parts)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise BadQuery(field[:60], "A filter's value is a text, a number, true or false, or a list of these.")
