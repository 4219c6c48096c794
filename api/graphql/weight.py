"""How many bytes an operation loads and answers: its rows are counted before, and one may be as large as a body."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import GraphQLResolveInfo, default_field_resolver, get_named_type, is_leaf_type

from domain.db import Row

from ..problems import Problem
from .refusals import refused

MOST_BYTES = 32 * 1024 * 1024


@dataclass(slots=True)
class Weight:
    """Of one operation: bytes of the rows so far, and of the texts and documents of the answer."""

    loaded: int = 0
    answered: int = 0

    @property
    def is_too_much(self) -> bool:
        """Whether the operation is to be refused. What is left of it is executed, and finds nothing."""
        return max(self.loaded, self.answered) > MOST_BYTES

    def add_rows(self, rows: Iterable[Row]) -> None:
        """They were loaded."""
        self.loaded += sum(len(orjson.dumps(list(row.values()), default=str)) for row in rows)


def too_heavy() -> Problem:
    """The refusal of an operation whose objects are too large for as many."""
    detail = f"The objects of this query are over {MOST_BYTES // 2**20} MiB together. Give smaller values of `first`."
    return refused("query-too-complex", detail)


def resolve_weighed(source: Any, info: GraphQLResolveInfo[Any], **given: Any) -> Any:
    """What `default_field_resolver` does; texts and documents are weighed, and empty once they are too much.

    The same few rows may be asked for in hundreds of places, which costs no memory before the answer is written.
    """
    value = default_field_resolver(source, info, **given)
    if isinstance(value, str):
        size = len(value)
    elif isinstance(value, dict | list) and is_leaf_type(get_named_type(info.return_type)):
        size = len(orjson.dumps(value))
    else:
        return value
    weight: Weight = info.context.weight
    if weight.is_too_much:
        return type(value)()
    weight.answered += size
    return value
