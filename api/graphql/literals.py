"""What a document's literals may hold: what a JSON body may (`api.json_body`); more could not be kept."""

from __future__ import annotations

import math
from typing import Any

from graphql import (
    DocumentNode,
    FloatValueNode,
    GraphQLError,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    Visitor,
    visit,
)

from ..json_body import DEEPEST, BadJson, check_text, read_integer


class _Literals(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.faults: list[GraphQLError] = []
        self._depth = 0

    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        try:
            check_text(node.value)
        except BadJson as error:
            self.faults.append(GraphQLError(str(error), node))

    def enter_int_value(self, node: IntValueNode, *_: Any) -> None:
        try:
            read_integer(node.value)
        except BadJson as error:
            self.faults.append(GraphQLError(str(error), node))

    def enter_float_value(self, node: FloatValueNode, *_: Any) -> None:
        if not math.isfinite(float(node.value)):
            self.faults.append(GraphQLError("A number is too large.", node))

    def enter_list_value(self, node: ListValueNode, *_: Any) -> None:
        self._enter(node)

    def leave_list_value(self, *_: Any) -> None:
        self._depth -= 1

    def enter_object_value(self, node: ObjectValueNode, *_: Any) -> None:
        self._enter(node)

    def leave_object_value(self, *_: Any) -> None:
        self._depth -= 1

    def _enter(self, node: ListValueNode | ObjectValueNode) -> None:
        self._depth += 1
        if self._depth == DEEPEST:
            self.faults.append(GraphQLError(f"A value is nested more than {DEEPEST} levels deep.", node))


def faults_of(document: DocumentNode) -> list[GraphQLError]:
    """What is wrong with its literals."""
    visitor = _Literals()
    visit(document, visitor)
    return visitor.faults
