"""What the audit keeps of a request: which operation with which variables, and no literal of the document.

A literal may be a secret that nothing beside it tells: `{key: "fee", value: 12}`.
"""

from __future__ import annotations

from typing import Any

from graphql import (
    BooleanValueNode,
    DocumentNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    Node,
    NullValueNode,
    ObjectFieldNode,
    OperationDefinitionNode,
    StringValueNode,
    Visitor,
    get_operation_ast,
    print_ast,
    visit,
)

from domain.audit.masking import MASK, is_secret, veil
from domain.filters import OPERATORS

from .requests import parsed


class _Stripped(Visitor):
    """Takes the literals out, and sees whether one of them names a secret."""

    def __init__(self) -> None:
        super().__init__()
        self.about_secret = False

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> Node | None:
        if not is_secret(node.name.value):
            return None
        self.about_secret = True
        return ObjectFieldNode(name=node.name, value=StringValueNode(value=MASK))

    def enter_string_value(self, node: StringValueNode, *_: Any) -> Node:
        self.about_secret |= is_secret(node.value)
        return StringValueNode(value=MASK)

    def enter_int_value(self, _node: IntValueNode, _key: Any, parent: Any, *_: Any) -> Node | None:
        is_first = getattr(getattr(parent, "name", None), "value", "") == "first"
        return None if is_first else StringValueNode(value=MASK)

    def enter_enum_value(self, node: EnumValueNode, *_: Any) -> Node | None:
        """Operators stay. In JSON a word without quotes is a text."""
        self.about_secret |= is_secret(node.value)
        return None if node.value in OPERATORS else StringValueNode(value=MASK)

    def enter_float_value(self, _node: FloatValueNode, *_: Any) -> Node:
        return StringValueNode(value=MASK)

    def enter_boolean_value(self, _node: BooleanValueNode, *_: Any) -> Node:
        return StringValueNode(value=MASK)

    def enter_null_value(self, _node: NullValueNode, *_: Any) -> Node:
        return StringValueNode(value=MASK)


def told(body: Any) -> Any:
    """The body as the audit is told it; of a document that cannot be read its length alone."""
    if not isinstance(body, dict) or not isinstance(text := body.get("query"), str):
        return body
    document, name, variables = parsed(text), body.get("operationName"), body.get("variables")
    if not isinstance(document, DocumentNode):
        return {"query": {"unreadable_characters": len(text)}, "variables": veil(variables)}
    stripped = _Stripped()
    shown = print_ast(visit(document, stripped))
    hidden = stripped.about_secret or _names_secret(variables)
    operation = get_operation_ast(document, name if isinstance(name, str) else None)
    return {
        "operation": None if operation is None else _operation(operation),
        "query": " ".join(shown.split()),
        "variables": veil(variables) if hidden else variables,
    }


def _operation(operation: OperationDefinitionNode) -> str:
    return f"{operation.operation.value} {operation.name.value if operation.name else ''}".strip()


def _names_secret(variables: Any) -> bool:
    """Whether one variable names what another one holds."""
    given = variables.values() if isinstance(variables, dict) else ()
    return any(isinstance(value, str) and is_secret(value) for value in given)
