"""Many callers with one `Idempotency-Key` at once, against the real processes, some of which are killed meanwhile."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from tests.support.processes import Product
from tests.support.threads import at_once
from tests.support.waiting import wait_until

_GIVE_UP = 60.0
_numbers = itertools.count(1)


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


@dataclass(frozen=True, slots=True)
class Write:
    """A call that must have its effect once."""

    path: str
    body: bytes
    idempotency_key: str


@dataclass(slots=True)
class Round:
    """What became of the calls with one key: `finals` has one reply for each caller."""

    write: Write
    killed: bool
    finals: list[Reply] = field(default_factory=list)
    passing: list[Reply] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)  # their request ids

    @property
    def replies(self) -> list[Reply]:
        return self.finals + self.passing


class Storm:
    """Sends each write by `callers` at once, with the web server killed in the middle of some.

    Args:
        token: an API key without limits that matter.
        seed: what is random is the same in every run with it.
    """

    def __init__(self, product: Product, token: str, callers: int, seed: int = 1) -> None:
        self._product = product
        self._token = token
        self._callers = callers
        self._random = random.Random(seed)

    def send(self, write: Write, *, kill: bool) -> Round:
        """One round; it ends when every caller has an answer that is not temporary."""
        result = Round(write, kill)
        sent = itertools.count(1)
        after = self._random.randint(1, self._callers)
        victims = self._choose_victims() if kill else []

        def strike_in_the_middle() -> None:
            if next(sent) == after:
                for pid in victims:
                    os.kill(pid, signal.SIGKILL)

        at_once(self._callers, lambda: self._call(result, strike_in_the_middle))
        return result

    def _call(self, result: Round, sent: Callable[[], None]) -> None:
        give_up = time.monotonic() + _GIVE_UP
        while True:
            request_id = f"storm-{next(_numbers)}"
            reply = self._attempt(result.write, request_id, sent)
            if reply is not None and not reply.is_temporary:
                break
            assert time.monotonic() < give_up, f"no answer to {result.write} but {reply}"
            if reply is None:
                result.unanswered.append(request_id)
            else:
                result.passing.append(reply)
                time.sleep(float(reply.headers["retry-after"]))
        result.finals.append(reply)

    def _attempt(self, write: Write, request_id: str, sent: Callable[[], None]) -> Reply | None:
        """None when the connection broke before the whole answer was here; waits while nobody listens."""
        connection = http.client.HTTPConnection("127.0.0.1", self._product.port, timeout=30)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        named = {"Idempotency-Key": write.idempotency_key, "X-Request-Id": request_id}
        wait_until(lambda: _connects(connection), _GIVE_UP, "nobody listens")
        try:
            connection.request("POST", write.path, write.body, {**headers, **named})
            sent()
            response = connection.getresponse()
            given = {name.lower(): value for name, value in response.getheaders()}
            return Reply(request_id, response.status, response.read(), given)
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def _choose_victims(self) -> list[int]:
        """One web server process, all of them, or their parent and all of them."""
        parent = wait_until(lambda: self._product.pid("web"), 30, "no web server runs")
        assert parent is not None
        workers = wait_until(lambda: self._workers(parent), 30, "the web server has no process")
        chosen = {"one": workers[:1], "all": workers, "parent": [parent, *workers]}
        return chosen[self._random.choice(("one", "all", "parent"))]

    def _workers(self, parent: int) -> list[int]:
        commands = self._product.processes()
        return [pid for pid in self._product.children(parent) if "resource_tracker" not in commands.get(pid, "")]


def _connects(connection: http.client.HTTPConnection) -> bool:
    with suppress(ConnectionError):  # refused, or taken by a process that dies
        connection.connect()
        return True
    return False
