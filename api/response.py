"""What goes back over HTTP: plain bytes and headers, at a fraction of what a framework's response costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from domain.gate import Gate

StartResponse = Callable[..., Any]  # of WSGI (PEP 3333)
_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_WITHOUT_BODY = frozenset({204, 304})


@dataclass(slots=True)
class Response:
    """A status, headers and a body.

    Attributes:
        body: its bytes, or the pieces of a stream.
        is_made_here: whether the pieces of a stream take work of this process, or only come from a store.
        headers: by the one spelling that this door uses of each name; none is sent twice.
    """

    body: bytes | Iterator[bytes] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    is_made_here: bool = True

    def send(self, start_response: StartResponse, method: str, gate: Gate) -> Iterable[bytes]:
        """Answer a WSGI server; to HEAD as to GET, without the body (RFC 9110, section 9.3.2).

        Args:
            gate: what the pieces of a stream are made in, for they are after the call; it is not entered to wait for
                a store.
        """
        headers = list(self.headers.items())
        if self.status not in _WITHOUT_BODY and self.length is not None:
            headers.append(("Content-Length", str(self.length)))
        start_response(_LINES[self.status], headers)
        if method == "HEAD" or self.status in _WITHOUT_BODY:
            self._close()
            return ()
        if isinstance(self.body, bytes):
            return (self.body,)
        return gate.through(self.body) if self.is_made_here else self.body

    def _close(self) -> None:
        close = getattr(self.body, "close", None)
        if close is not None:
            close()

    @property
    def length(self) -> int | None:
        """Bytes of the body; of a stream nobody knows them."""
        return len(self.body) if isinstance(self.body, bytes) else None
