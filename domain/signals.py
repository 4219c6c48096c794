"""What a transaction may tell other processes after its commit. Losing one costs time, no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeliveriesDue:
    """There is something to deliver: ring the bell."""


@dataclass(frozen=True, slots=True)
class KeyChanged:
    """An API key changed: what other processes remember of it is stale."""

    key_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Changed:
    """Something that calls may be waiting for has changed.

    Attributes:
        topic: a word that those who wait for it know, such as `jobs`, or the id of what changed; on one line.
    """

    topic: str


Signal = DeliveriesDue | KeyChanged | Changed


def topics_of(signals: Sequence[Signal]) -> list[str]:
    """What these say has changed, for those who wait for it."""
    changed = [signal.key_id if isinstance(signal, KeyChanged) else signal.topic
               for signal in signals if not isinstance(signal, DeliveriesDue)]  # fmt: skip
    return list(dict.fromkeys(changed))
