"""Waiting for a condition. No test sleeps and hopes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], seconds: float, what: str | Callable[[], str]) -> T:
    """Call `condition` until it gives something true, and return that.

    Raises:
        AssertionError: it did not within `seconds`; `what` says what was waited for.
    """
    give_up = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > give_up:
            raise AssertionError(f"{what() if callable(what) else what} (waited {seconds:g} s)")
        time.sleep(0.02)
    return result
