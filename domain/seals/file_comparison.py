"""The checkpoint file beside the table: the same lines, but for the newest, which may not have been written yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from .checkpoints import parse

Difference = tuple[str, str]


class FileComparison:
    """Walks along the file while the table's seals are told in order.

    Args:
        lines: of the file.
        after: seals up to this number are not told.
        settled: what was sealed before ought to be in the file.
    """

    def __init__(self, lines: Iterator[str], after: int, settled: datetime) -> None:
        self._lines = lines
        self._settled = settled
        self._missing_told = False
        self._next = self._read()
        while self._next is not None and 0 < self._next[0] <= after:
            self._next = self._read()

    def compare(self, seal: int, line: str) -> Iterator[Difference]:
        """What differs at the table's next seal."""
        while self._next is not None and self._next[0] < seal:
            yield f"seal {self._next[0]}", "The checkpoint file holds it, out of order or where the table has none."
            self._next = self._read()
        if self._next is None or self._next[0] > seal:
            yield from self._tell_missing(seal, line)
            return
        self._missing_told = False
        if self._next[1] != line:
            yield f"seal {seal}", "The checkpoint file and the table differ."
        self._next = self._read()

    def rest(self, line_of: Callable[[int], str | None]) -> Iterator[Difference]:
        """What the file holds past the table's end, and the table does not have by now either."""
        first: int | None = None
        last = 0
        while self._next is not None:
            seal, line = self._next
            if line_of(seal) != line:
                first, last = first or seal, seal
            self._next = self._read()
        if first is not None:
            yield (
                f"seal {first}",
                f"The checkpoint file holds seals {first} to {last}; the table has lost or changed them.",
            )

    def _tell_missing(self, seal: int, line: str) -> Iterator[Difference]:
        """Once for each run of seals that are missing, and not for what was sealed a moment ago."""
        try:
            is_fresh = self._next is None and parse(line).at >= self._settled
        except ValueError:
            is_fresh = False
        if not is_fresh and not self._missing_told:
            self._missing_told = True
            yield f"seal {seal}", "The checkpoint file lacks it, and perhaps what follows."

    def _read(self) -> tuple[int, str] | None:
        """The next line and its seal; 0 for a line that is no checkpoint."""
        line = next(self._lines, None)
        if line is None:
            return None
        try:
            return parse(line).seal, line
        except ValueError:
            return 0, line
