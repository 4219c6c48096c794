"""Receivers that misbehave: each reads a request and then does as its script says, until the test is over."""

from __future__ import annotations

import gzip
import itertools
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

Script = Callable[[socket.socket, threading.Event], None]
OK = b"HTTP/1.1 200 OK\r\n"
_MANY = 64 * 1024


@contextmanager
def hostile(script: Script, tls: ssl.SSLContext | None = None, *, reads: bool = True) -> Iterator[int]:
    """A server on the loopback; its port.

    Args:
        script: what it does with each connection, in a thread of its own.
        tls: as whom it presents itself.
        reads: whether it reads the request before.
    """
    done = threading.Event()

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), ExitStack() as opened:  # the sender may have had enough
            opened.enter_context(connection)
            connection.settimeout(30)
            spoken = opened.enter_context(tls.wrap_socket(connection, server_side=True)) if tls else connection
            if reads:
                spoken.recv(_MANY)
            script(spoken, done)

    def accept(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=accept, args=(server,), daemon=True)
        thread.start()
        yield server.getsockname()[1]
        done.set()
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def saying(words: bytes) -> Script:
    """Says these words and closes."""
    return lambda connection, _done: connection.sendall(words)


def holding(words: bytes = b"") -> Script:
    """Says these words and never closes."""

    def script(connection: socket.socket, done: threading.Event) -> None:
        connection.sendall(words)
        done.wait(30)

    return script


def dripping(words: bytes) -> Script:
    """Says these words and then a letter now and then, for ever."""

    def script(connection: socket.socket, done: threading.Event) -> None:
        connection.sendall(words)
        while not done.wait(0.02):
            connection.sendall(b"x")

    return script


def flooding(words: bytes, more: bytes) -> Script:
    """Says these words and then those, for ever, as fast as they are taken."""
    many = more * (_MANY // len(more) + 1)

    def script(connection: socket.socket, done: threading.Event) -> None:
        connection.sendall(words)
        while not done.is_set():
            connection.sendall(many)

    return script


def flooding_headers(connection: socket.socket, done: threading.Event) -> None:
    """Never repeats a header, and never ends them."""
    connection.sendall(OK)
    for start in itertools.count(0, 1000):
        if done.is_set():
            return
        connection.sendall(b"".join(b"X-%d: %s\r\n" % (number, b"y" * 90) for number in range(start, start + 1000)))


def gzip_bomb() -> Script:
    """A hundred mebibytes in as many kibibytes."""
    packed = gzip.compress(b"\0" * (100 * 1024 * 1024), 9)
    head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    return saying(OK + head + packed)


@contextmanager
def never_accepting() -> Iterator[int]:
    """A port whose queue is full: a connection to it is neither made nor refused."""
    with ExitStack() as opened:
        server = opened.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port: int = server.getsockname()[1]
        for _ in range(4):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(("127.0.0.1", port))
        yield port
