"""Reading Server-Sent Events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    """What stands between two empty lines: its fields; a comment has neither type nor data."""

    id: str = ""
    event: str = ""
    data: str = ""
    retry: str = ""


def frames(pieces: Iterable[bytes]) -> Iterator[Frame]:
    """Every frame of a body, as it comes."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n\n")
        yield from map(_frame, whole)


def _frame(text: bytes) -> Frame:
    lines = [line.partition(": ") for line in text.decode().split("\n") if not line.startswith(":")]
    return Frame(**{name: value for name, _, value in lines})
