"""A syslog receiver over TCP that counts octets (RFC 6587), as collectors do."""

from __future__ import annotations

import socket
import struct
import threading
from types import TracebackType
from typing import Self

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST


class SyslogServer:
    """Reads each connection to its end. `reset_after`: break it after so many messages."""

    def __init__(self, reset_after: int | None = None) -> None:
        self.messages: list[bytes] = []
        self.reset_after = reset_after
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def port(self) -> int:
        return int(self._listening.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                self._read(connection)

    def _read(self, connection: socket.socket) -> None:
        count = 0
        with connection.makefile("rb") as stream:
            while length := self._length(stream.read(1), stream):
                self.messages.append(stream.read(length))
                count += 1
                if count == self.reset_after:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    return

    @staticmethod
    def _length(digit: bytes, stream: object) -> int:
        text = b""
        while digit.isdigit():
            text += digit
            digit = stream.read(1)  # type: ignore[attr-defined]
        assert digit in (b" ", b""), digit
        return int(text or 0)
