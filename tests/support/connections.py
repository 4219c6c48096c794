"""Where sockets of this process are connected to: the truth, whatever a URL said."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_connections: list[Any] = []
_others: set[threading.Thread] = set()
_watching = threading.Event()


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and _watching.is_set() and threading.current_thread() not in _others:
        _connections.append(arguments[1])


sys.addaudithook(_watch)


@contextmanager
def connections() -> Iterator[list[Any]]:
    """The addresses that the block and the threads it starts connected to, in order; an audit hook sees every one.

    Threads of before the block do their own work meanwhile: a hub, for one, looks for its Redis once a second.
    """
    _connections.clear()
    _others.clear()
    _others.update(set(threading.enumerate()) - {threading.current_thread()})
    _watching.set()
    try:
        yield _connections
    finally:
        _watching.clear()
