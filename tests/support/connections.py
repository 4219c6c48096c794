"""Where sockets of this process are connected to: the truth, whatever a URL said."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_connections: list[Any] = []
_watching = threading.Event()


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and _watching.is_set():
        _connections.append(arguments[1])


sys.addaudithook(_watch)


@contextmanager
def connections() -> Iterator[list[Any]]:
    """The addresses that were connected to in the block, in order; an audit hook sees every one."""
    _connections.clear()
    _watching.set()
    try:
        yield _connections
    finally:
        _watching.clear()
