"""Many callers with one `Idempotency-Key` at once, against the real processes, some of which are killed meanwhile."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.support.caller import GIVE_UP, Caller, Reply
from tests.support.processes import Product
from tests.support.threads import at_once
from tests.support.victims import choose_victims, strike

_numbers = itertools.count(1)


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
        victims = choose_victims(self._product, self._random) if kill else []

        def strike_in_the_middle() -> None:
            if next(sent) == after:
                strike(victims)

        at_once(self._callers, lambda: self._call(result, strike_in_the_middle))
        return result

    def _call(self, result: Round, sent: Callable[[], None]) -> None:
        give_up = time.monotonic() + GIVE_UP
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
        named = {"Idempotency-Key": write.idempotency_key}
        with Caller(self._product.port, self._token) as caller:
            return caller.call(request_id, "POST", write.path, write.body, named, sent)
