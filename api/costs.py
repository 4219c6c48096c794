"""What a call costs: tokens of one of its key's buckets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Cost:
    """What an operation takes.

    Attributes:
        tokens: how many, unless its body says.
        by_body: the bucket and the tokens that a body stands for, whatever that body is.
        told: what the OpenAPI document says of it.
    """

    tokens: int = 1
    by_body: Callable[[Any], tuple[str, int]] | None = None
    told: str = ""


ONE = Cost()
FREE = Cost(0, told="Costs no token.")
