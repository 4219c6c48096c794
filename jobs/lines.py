"""One endpoint as a worker sends to it: how many at a time, and what waits for its turn.

The window grows by one with each answer that came as fast as they used to, and is halved when none comes: what answers
well is sent as much as it takes, what hangs holds up a few slots and nobody else.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from domain.deliveries.claiming import LANES, Ask, Claimed, Endpoint
from domain.deliveries.models import FIRST

FIRST_WINDOW = 8
LARGEST_WINDOW = 512
AHEAD = 4  # times its window is claimed, so that a slot that falls free need not wait for the database
LEAST_AHEAD = 32
# An answer that takes longer than this, compared with the quickest, shows that the receiver is at its limit.
SLOWER, SLOWER_SECONDS = 2.0, 0.02


@dataclass
class Line:
    """The state of one endpoint; not shared between threads."""

    window: int = FIRST_WINDOW
    active: int = 0
    waiting: deque[tuple[float, Claimed]] = field(default_factory=deque)  # since when, and what
    # By lane: under way or waiting here. Every lane has its place, for another thread reads them.
    claimed: Counter[int] = field(default_factory=lambda: Counter(dict.fromkeys(LANES, 0)))
    quickest: float = float("inf")

    @property
    def under_way(self) -> int:
        return self.claimed.total()

    def room(self) -> int:
        """How many more may be claimed."""
        return max(0, max(LEAST_AHEAD, AHEAD * self.window) - self.under_way)

    def put(self, claimed: Claimed) -> None:
        self.waiting.append((time.monotonic(), claimed))
        self.claimed[claimed.lane] += 1

    def next(self) -> Claimed | None:
        """What may be sent now; it is under way from here on."""
        if not self.waiting or self.active >= self.window:
            return None
        self.active += 1
        return self.waiting.popleft()[1]

    def ended(self, claimed: Claimed, answered: bool, seconds: float) -> None:
        """An attempt came to its end; `answered`: by an HTTP answer, whatever it said."""
        self.active -= 1
        self.claimed[claimed.lane] -= 1
        if not answered:
            self.window = max(1, self.window // 2)
            return
        self.quickest = min(self.quickest, seconds)
        if seconds <= self.quickest * SLOWER + SLOWER_SECONDS:
            self.window = min(LARGEST_WINDOW, self.window + 1)

    def give_back(self, seconds: float) -> list[Claimed]:
        """All that waits here, if the first of it has waited for longer than this; it waits here no more."""
        if not self.waiting or time.monotonic() - self.waiting[0][0] < seconds:
            return []
        given = [claimed for _, claimed in self.waiting]
        self.waiting.clear()
        self.claimed.subtract(one.lane for one in given)
        return given


def asks(free: int, endpoints: Sequence[Endpoint], lines: dict[str, Line], claimed: Counter[int]) -> list[Ask]:
    """What to claim with `free` slots: each endpoint gets the same, up to what it has room for.

    What is sent again or by a replay takes half of all slots at most, so that first attempts always find some.

    Args:
        claimed: how many slots each lane has now.
    """
    wanted = {
        one.id: 1 if one.probing else lines[one.id].room() if one.id in lines else LEAST_AHEAD for one in endpoints
    }
    shares = _shared(free, wanted)
    later = max(0, (free + claimed.total()) // 2 - sum(n for lane, n in claimed.items() if lane != FIRST))
    found = []
    for one in endpoints:
        left = shares[one.id]
        for number, lane in enumerate(one.lanes):
            most = -(-left // (len(one.lanes) - number))  # the same for each lane, what is over for the first
            if lane != FIRST:
                most = min(most, later)
                later -= most
            if most > 0:
                found.append(Ask(one.id, lane, most, one.ordered))
                left -= most
    return found


def _shared(free: int, wanted: dict[str, int]) -> dict[str, int]:
    """Fair shares: nobody gets more than wanted, and who wants little leaves the rest to the others."""
    shares = {}
    ordered: Iterable[tuple[str, int]] = sorted(wanted.items(), key=lambda item: item[1])
    for number, (name, most) in enumerate(ordered):
        shares[name] = min(most, -(-free // (len(wanted) - number)))
        free -= shares[name]
    return shares
