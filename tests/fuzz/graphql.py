"""Documents for the fuzzer: what it makes up itself is hardly ever GraphQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DOCUMENTS = (
    "{ me { id } projects(first: 3) { totalCount nodes { id scenes(first: 2) { edges { cursor node { name } } } } } }",
    "query ($id: ID!) { node(id: $id) { id object ... on Character { approvals { nodes { decision } } } } }",
    """mutation ($id: ID!, $text: String) {
      updateCharacter(id: $id, input: {description: $text}) { version project { name } } }""",
    "mutation ($id: ID!, $input: JSON!) { updateCharacterMetadata(id: $id, input: $input) }",
    """query ($value: JSON!) { segments(filter: [{field: "position", op: gte, value: $value}], sort: "-name") {
      nodes { id metadata scene { name } jobs { totalCount } } } }""",
)


def with_document(body: Mapping[str, Any], number: int, ids: Mapping[str, list[str]]) -> dict[str, Any]:
    """The body with a document in place of its text, and variables that fit beside its own."""
    given: dict[str, Any] = body.get("variables") or {}
    fitting = {"id": ids["chr"][number % len(ids["chr"])], "text": str(given)[:100], "input": given, "value": number}
    rest = {name: value for name, value in body.items() if name != "operationName"}
    return {**rest, "query": DOCUMENTS[number % len(DOCUMENTS)], "variables": {**given, **fitting}}
