"""Work that is done beside the sweeper's ticks, which say that the sweeper is alive."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Beside:
    """Does one piece of work at a time, in a thread of its own."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._thread = threading.Thread()

    def start(self) -> bool:
        """Begin, unless it is at it; whether it began."""
        if self._thread.is_alive():
            return False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        return True

    def settle(self) -> None:
        """Wait until it is done."""
        if self._thread.is_alive():
            self._thread.join()
