"""What may be changed: a mutation for every write of the studio, which is the same operation of REST inside."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLID,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLString,
)

from ..documentation import conditions_of
from ..inside import perform_inside
from ..operation import Operation
from .loaders import Info, Loaders
from .queries import LOADS
from .types import Types

_IN_PATH = re.compile(r"<(?:\w+:)?(\w+)>")


def mutation_name(operation_id: str) -> str:
    """`createCharacter` of `create_character`."""
    first, *others = operation_id.split("_")
    return first + "".join(word.title() for word in others)


def mutations(types: Types, operations: Iterable[Operation]) -> GraphQLObjectType:
    """`Mutation`, of these operations."""
    fields = {mutation_name(operation.id): _field(types, operation) for operation in operations}
    return GraphQLObjectType("Mutation", fields)


def _field(types: Types, operation: Operation) -> GraphQLField:
    in_path = _IN_PATH.findall(operation.rule)
    headers = {name.lower().replace("-", "_"): name for name in conditions_of(operation, operation.returns)}
    arguments = {name: GraphQLArgument(GraphQLNonNull(GraphQLID)) for name in in_path}
    if operation.body is not None:
        taken = types.taken(type(operation.body))
        needed = any(field.required for field in operation.body.fields.values())
        arguments["input"] = GraphQLArgument(GraphQLNonNull(taken) if needed else taken)
    for argument, header in headers.items():
        arguments[argument] = GraphQLArgument(GraphQLString, description=f"What `{header}` would say.")

    def resolve(_root: Any, info: Info, **given: Any) -> Any:
        loaders: Loaders = info.context
        loaders.forget()
        path = {name: given[name] for name in in_path}
        conditions = {header: given[name] for name, header in headers.items() if given.get(name) is not None}
        answer = perform_inside(loaders.call, operation, path, given.get("input"), conditions)
        return answer.document["data"]

    description = " ".join((operation.view.__doc__ or "").split())
    return GraphQLField(
        types.answer(operation.returns), arguments, resolve, description=description, extensions={LOADS: True}
    )
