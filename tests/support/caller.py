"""A caller that outlives the server: one kept connection, and an answer or none for each call."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

from tests.support.waiting import wait_until

GIVE_UP = 180.0
_BROKEN = (OSError, http.client.HTTPException)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    request_id: str
    status: int
    body: bytes
    headers: dict[str, str]  # names in lower case

    @property
    def is_replay(self) -> bool:
        return self.headers.get("idempotency-replayed") == "true"

    @property
    def is_temporary(self) -> bool:
        """Whether it says: try again."""
        return self.status == 503 or (self.status == 409 and json.loads(self.body)["type"].endswith("-in-progress"))


class Caller:
    """Calls one after the other, with a key, over a connection that is made anew when it broke."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=GIVE_UP)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def __enter__(self) -> Caller:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._connection.close()

    def connect(self) -> None:
        """Wait until somebody listens. A call does that by itself."""
        if self._connection.sock is None:
            wait_until(self._connects, GIVE_UP, "nobody listens")

    def call(
        self,
        request_id: str,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        sent: Callable[[], None] = lambda: None,
    ) -> Reply | None:
        """The answer; None when the connection broke before all of it was here.

        Args:
            headers: in addition to the caller's own, or in their place.
            sent: called when the request is on its way.
        """
        self.connect()
        try:
            self._connection.request(
                method, path, body or None, {**self._headers, **(headers or {}), "X-Request-Id": request_id}
            )
            sent()
            response = self._connection.getresponse()
            given = {name.lower(): value for name, value in response.getheaders()}
            return Reply(request_id, response.status, response.read(), given)
        except _BROKEN:
            self._connection.close()
            return None

    def _connects(self) -> bool:
        with suppress(ConnectionError):  # refused, or taken by a process that dies
            self._connection.connect()
            return True
        return False
