"""What goes back over HTTP: plain bytes and headers, at a fraction of what a framework's response costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

StartResponse = Callable[..., Any]  # of WSGI (PEP 3333)
_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_WITHOUT_BODY = frozenset({204, 304})


@dataclass(slots=True)
class Response:
    """A status, headers and a body.

    Attributes:
        headers: by the one spelling that this door uses of each name; none is sent twice.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, start_response: StartResponse, method: str) -> Iterable[bytes]:
        """Answer a WSGI server; to HEAD as to GET, without the body (RFC 9110, section 9.3.2)."""
        headers = list(self.headers.items())
        if self.status not in _WITHOUT_BODY:
            headers.append(("Content-Length", str(len(self.body))))
        start_response(_LINES[self.status], headers)
        return () if method == "HEAD" or self.status in _WITHOUT_BODY else (self.body,)
