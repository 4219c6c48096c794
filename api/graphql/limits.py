"""How large a query may be: its text, its depth, its aliases, and the rows that it may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    get_named_type,
    visit,
)

from domain.list_query import LARGEST_LIMIT

from ..problems import Problem
from .arguments import DEFAULT_FIRST
from .connections import PAGED, WRAPS
from .queries import LOADS
from .refusals import refused

LONGEST_QUERY = 64 * 1024
MOST_TOKENS = 2_000
MOST_ALIASES = 30
DEEPEST = 10
MOST_ROWS = 10_000
ROWS_A_TOKEN = 100


@dataclass(frozen=True, slots=True)
class Size:
    """Of a part of a query.

    Attributes:
        rows: the most that it can load.
        depth: how many objects stand within each other; what only wraps does not count.
    """

    rows: int = 0
    depth: int = 0

    def beside(self, other: Size) -> Size:
        return Size(self.rows + other.rows, max(self.depth, other.depth))


@dataclass(slots=True)
class _Measure:
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    _known: dict[str, Size] = field(default_factory=dict)

    def of(self, chosen: SelectionSetNode, parent: Any) -> Size:
        size = Size()
        for selection in chosen.selections:
            size = size.beside(self._of_selection(selection, parent))
        return size

    def _of_selection(self, selection: SelectionNode, parent: Any) -> Size:
        if isinstance(selection, FieldNode):
            return self._of_field(selection, parent)
        if isinstance(selection, InlineFragmentNode):
            condition = selection.type_condition
            return self.of(selection.selection_set, self.schema.type_map[condition.name.value] if condition else parent)
        assert isinstance(selection, FragmentSpreadNode)
        name = selection.name.value
        if name not in self._known:
            fragment = self.fragments[name]
            on = self.schema.type_map[fragment.type_condition.name.value]
            self._known[name] = self.of(fragment.selection_set, on)
        return self._known[name]

    def _of_field(self, node: FieldNode, parent: Any) -> Size:
        if node.name.value.startswith("__"):  # introspection has a limit of its own and loads nothing
            return Size()
        assert isinstance(parent, GraphQLObjectType | GraphQLInterfaceType)
        found = parent.fields[node.name.value]
        if node.selection_set is None:
            return Size()
        within = self.of(node.selection_set, get_named_type(found.type))
        rows = within.rows
        if found.extensions.get(PAGED):
            rows = self._first(node) * (1 + within.rows)
        elif found.extensions.get(LOADS):
            rows = 1 + within.rows
        return Size(rows, within.depth + (0 if parent.extensions.get(WRAPS) else 1))

    def _first(self, node: FieldNode) -> int:
        value: Any = None
        for argument in node.arguments or ():
            if argument.name.value == "first":
                if isinstance(argument.value, VariableNode):
                    value = self.variables.get(argument.value.name.value)
                elif isinstance(argument.value, IntValueNode):
                    value = int(argument.value.value)
        return DEFAULT_FIRST if value is None else min(max(value, 0), LARGEST_LIMIT)


def measure(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Mapping[str, Any],
) -> Size:
    """The size of a valid operation.

    Raises:
        Problem: 400, it is too deep, or asks for too many rows.
    """
    root = schema.get_root_type(operation.operation)
    size = _Measure(schema, fragments, variables).of(operation.selection_set, root)
    if size.depth > DEEPEST:
        raise too_deep()
    if size.rows > MOST_ROWS:
        detail = f"This query may load {size.rows:,} rows; {MOST_ROWS:,} are allowed. Give smaller values of `first`."
        raise refused("query-too-complex", detail)
    return size


def fields_in(chosen: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> int:
    """How many fields are chosen, with those of fragments: of a mutation, how often it writes at the most."""
    found = 0
    for selection in chosen.selections:
        if isinstance(selection, FragmentSpreadNode):
            found += fields_in(fragments[selection.name.value].selection_set, fragments)
        elif isinstance(selection, InlineFragmentNode):
            found += fields_in(selection.selection_set, fragments)
        else:
            found += 1
    return found


def too_deep() -> Problem:
    """The refusal of a query with more levels than are allowed."""
    return refused("query-too-deep", f"Keep to {DEEPEST} objects within each other; edges and nodes do not count.")


def check_aliases(document: DocumentNode) -> None:
    """Refuse a document with more aliases than are allowed.

    Raises:
        Problem: 400.
    """
    counted = _Aliases()
    visit(document, counted)
    if counted.found > MOST_ALIASES:
        raise refused("too-many-aliases", f"Keep to {MOST_ALIASES} aliases; this document has {counted.found}.")


class _Aliases(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found = 0

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self.found += node.alias is not None
