"""Asking in GraphQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.api.client import Answer, Client

PATH = "/graphql"


@dataclass(frozen=True, slots=True)
class Said:
    """An executed operation's answer."""

    answer: Answer

    @property
    def data(self) -> Any:
        return self.answer.document["data"]

    @property
    def errors(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.answer.document.get("errors", [])
        return found

    @property
    def codes(self) -> list[tuple[list[str | int], str]]:
        """Of each error, where and what."""
        return [(error["path"], error["extensions"]["code"]) for error in self.errors]

    @property
    def cost(self) -> dict[str, Any]:
        found: dict[str, Any] = self.answer.document["extensions"]["cost"]
        return found


def ask(client: Client, query: str, /, **variables: Any) -> Said:
    """An operation that is executed; parts of it may fail."""
    answer = client.post(PATH, {"query": query, "variables": variables})
    assert answer.status == 200, answer.document
    return Said(answer)


def data_of(client: Client, query: str, /, **variables: Any) -> Any:
    """What an operation gives that fails in no part."""
    said = ask(client, query, **variables)
    assert not said.errors, said.errors
    return said.data
