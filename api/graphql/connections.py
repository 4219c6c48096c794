"""Lists as Relay's connections, over the same pages, filters and sorts as REST's lists."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLField,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLString,
)
from sqlalchemy import Select

from domain.access import Actor
from domain.db import Row
from domain.list_query import ListQuery, parse
from domain.list_spec import ListSpec
from domain.listing import Page, count, fetch
from domain.listing_each import Each, cursor_after

from .arguments import list_arguments, parameters_of
from .loaders import NO_PAGE, Info, Loaders

Show = Callable[[Row], dict[str, Any]]
# Marks a field whose rows are counted by its `first`, and a type that only wraps: its fields are no level of their own.
PAGED, WRAPS = "paged", "wraps"


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """What a list holds: its grammar, how a row is shown, and the type of that."""

    spec: ListSpec
    show: Show
    type: GraphQLObjectType


@dataclass(frozen=True, slots=True)
class Seen:
    """The rows that a caller sees of a list: see `domain.listing.fetch`."""

    statement: Select[Any]
    project_ids: Collection[str] | None = None
    values: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Connection:
    """A page on its way out."""

    query: ListQuery
    page: Page
    show: Show
    count: Callable[[], int | Awaitable[int | None]]

    @cached_property
    def nodes(self) -> list[dict[str, Any]]:
        return [self.show(row) for row in self.page.rows]

    @property
    def edges(self) -> list[dict[str, Any]]:
        pairs = zip(self.page.rows, self.nodes, strict=True)
        return [{"cursor": cursor_after(self.query, row), "node": node} for row, node in pairs]

    @property
    def page_info(self) -> dict[str, Any]:
        rows = self.page.rows
        return {
            "hasNextPage": self.page.next is not None,
            "hasPreviousPage": self.query.after is not None,
            "startCursor": cursor_after(self.query, rows[0]) if rows else None,
            "endCursor": cursor_after(self.query, rows[-1]) if rows else None,
        }


PAGE_INFO = GraphQLObjectType(
    "PageInfo",
    {
        "hasNextPage": GraphQLField(GraphQLNonNull(GraphQLBoolean)),
        "hasPreviousPage": GraphQLField(GraphQLNonNull(GraphQLBoolean), description="Whether `after` was given."),
        "startCursor": GraphQLField(GraphQLString),
        "endCursor": GraphQLField(GraphQLString),
    },
)


class Connections:
    """The types of connections, each made once, and the fields that give one."""

    def __init__(self) -> None:
        self._types: dict[str, GraphQLObjectType] = {}

    def root(self, listed: Listed, seen_by: Callable[[Actor], Seen], description: str) -> GraphQLField:
        """A list of all that the caller sees."""

        def resolve(_root: Any, info: Info, **given: Any) -> Connection:
            call = info.context.call
            query, seen = parse(listed.spec, parameters_of(given)), seen_by(call.actor)
            of_all = (call.session, query, seen.statement, seen.project_ids, seen.values)
            page = NO_PAGE if info.context.weight.is_too_much else fetch(*of_all)
            info.context.weight.add_rows(page.rows)
            return Connection(query, page, listed.show, lambda: count(*of_all))

        return self._field(listed, resolve, description)

    def nested(self, listed: Listed, each: Each, project_field: str, description: str) -> GraphQLField:
        """A list that each object of a type has. `project_field`: of such an object, what names its project."""

        async def resolve(parent: dict[str, Any], info: Info, **given: Any) -> Connection:
            loaders: Loaders = info.context
            asked, whose = parameters_of(given), (parent["id"], parent[project_field])
            query = parse(listed.spec, asked)
            page = await loaders.page(each, asked, query, whose)
            assert page is not None
            return Connection(query, page, listed.show, lambda: loaders.count(each, asked, query, whose))

        return self._field(listed, resolve, description)

    def _field(self, listed: Listed, resolve: Callable[..., Any], description: str) -> GraphQLField:
        arguments = list_arguments(listed.spec)
        kind = self._type(listed.type)
        return GraphQLField(kind, arguments, resolve, description=description, extensions={PAGED: True})

    def _type(self, node: GraphQLObjectType) -> GraphQLObjectType:
        if node.name not in self._types:
            self._types[node.name] = _connection_type(node)
        return self._types[node.name]


def _connection_type(node: GraphQLObjectType) -> GraphQLObjectType:
    wraps = {WRAPS: True}
    each = GraphQLNonNull(node)
    edge = GraphQLObjectType(
        f"{node.name}Edge",
        {"cursor": GraphQLField(GraphQLNonNull(GraphQLString)), "node": GraphQLField(each)},
        extensions=wraps,
    )
    return GraphQLObjectType(
        f"{node.name}Connection",
        {
            "edges": GraphQLField(_all_of(edge)),
            "nodes": GraphQLField(_all_of(node), description="The nodes of the edges."),
            "pageInfo": GraphQLField(GraphQLNonNull(PAGE_INFO), resolve=lambda page, _info: page.page_info),
            "totalCount": GraphQLField(
                GraphQLNonNull(GraphQLInt), resolve=lambda page, _info: page.count(), description="On all pages."
            ),
        },
        extensions=wraps,
    )


def _all_of(kind: GraphQLObjectType) -> GraphQLNonNull[Any]:
    return GraphQLNonNull(GraphQLList(GraphQLNonNull(kind)))
