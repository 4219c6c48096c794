"""Web server processes that are killed while they answer."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterable
from contextlib import suppress

from tests.support.processes import Product
from tests.support.waiting import wait_until


def web_processes(product: Product) -> tuple[int, list[int]]:
    """The web server and its processes, once it has any."""
    parent = wait_until(lambda: product.pid("web"), 120, "no web server runs")
    assert parent is not None
    return parent, wait_until(lambda: _workers(product, parent), 120, "the web server has no process")


def choose_victims(product: Product, draw: random.Random) -> list[int]:
    """One web server process, all of them, or their parent and all of them."""
    parent, workers = web_processes(product)
    chosen = {"one": workers[:1], "all": workers, "parent": [parent, *workers]}
    return chosen[draw.choice(("one", "all", "parent"))]


def strike(victims: Iterable[int]) -> None:
    """Kill them with SIGKILL; one may have gone with its parent."""
    for pid in victims:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _workers(product: Product, parent: int) -> list[int]:
    commands = product.processes()
    return [pid for pid in product.children(parent) if "resource_tracker" not in commands.get(pid, "")]
