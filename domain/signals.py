"""What a transaction may tell other processes after its commit. Losing one costs time, no more."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeliveriesDue:
    """There is something to deliver: ring the bell."""


@dataclass(frozen=True, slots=True)
class KeyChanged:
    """An API key changed: what other processes remember of it is stale."""

    key_id: str
    epoch: int


Signal = DeliveriesDue | KeyChanged
