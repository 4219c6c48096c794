"""Waiting for a condition. No test sleeps and hopes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


# Looking costs processor time that what is waited for needs: what takes long is looked at less often.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 0.5  # seconds
PART = 0.1  # of the time waited so far


def wait_until(condition: Callable[[], T], seconds: float, what: str | Callable[[], str]) -> T:
    """Call `condition` until it gives something true, and return that.

    Raises:
        AssertionError: it did not within `seconds`; `what` says what was waited for.
    """
    began = time.monotonic()
    while not (result := condition()):
        waited = time.monotonic() - began
        if waited > seconds:
            raise AssertionError(f"{what() if callable(what) else what} (waited {seconds:g} s)")
        time.sleep(min(max(PART * waited, SHORTEST_PAUSE), LONGEST_PAUSE))  # between two looks: the condition decides
    return result
