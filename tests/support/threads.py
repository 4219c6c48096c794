"""Doing things at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def at_once(count: int, work: Callable[[], T]) -> list[T]:
    """Call `work` in that many threads that begin together; what each returned. What one raised is raised here."""
    barrier = threading.Barrier(count)

    def begin() -> T:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(begin) for _ in range(count)]]
