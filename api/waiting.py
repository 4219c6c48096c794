"""Calls that wait: nothing is open while they do, no connection and no transaction, and no thread's turn is taken.

An operation that may wait answers with `Answer.awaits` as long as there is nothing yet. It is run anew, in a session
and a transaction of its own, each time that one of these topics has changed. What the looks in between did is undone.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from enum import Enum

from domain.errors import BadQuery

from .answers import Answer
from .call import Call
from .response import Response
from .schemas import LONGEST_WAIT

# Seconds after which a change is found that nobody was told of: at random, for many that began at once to look apart.
# The sweeper tells what a process did not that died after its commit, and without Redis all look every second.
LOOK_AGAIN = (60.0, 90.0)
# Seconds between two looks of a call, and more for each call that waits beside it: where much changes, several changes
# are one look, and those who wait leave most of the time to those who work.
APART, APART_FOR_EACH = 0.05, 0.002
_SECONDS = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,30})?(e[+-]?[0-9]{1,3})?", re.ASCII | re.IGNORECASE)


class Waits(Enum):
    """Where a call says for how many seconds it waits at the most."""

    QUERY = "query"
    BODY = "body"  # whose schema refuses what is no such number: see `schemas.wait_field`


class NothingYet(Exception):
    """Undoes a look that found nothing."""

    def __init__(self, topics: tuple[str, ...]) -> None:
        super().__init__()
        self.topics = topics


def or_nothing_yet(call: Call, answer: Answer) -> Answer:
    """The answer, unless the call rather waits for another.

    Raises:
        NothingYet: it does.
    """
    if call.patient and answer.awaits:
        raise NothingYet(answer.awaits)
    return answer


def answer_in_time(call: Call, waits: Waits, look: Callable[[], Response]) -> Response:
    """What `look` answers once there is something, or when the call's time is up.

    Raises:
        BadQuery: `wait` is no number of seconds from 0 to 60.
        Problem: the key was revoked meanwhile, say.
    """
    seconds = _from_query(call) if waits is Waits.QUERY else _from_body(call)
    gate, key_id = call.services.gate, call.actor.id
    if not seconds or call.method == "HEAD" or not gate.take_room(key_id):
        return look()
    try:
        return _patiently(call, time.monotonic() + seconds, look)
    finally:
        gate.give_room(key_id)


def _patiently(call: Call, deadline: float, look: Callable[[], Response]) -> Response:
    changes = call.services.changes
    while True:
        mark, began = changes.mark(), time.monotonic()
        call.patient = began < deadline
        try:
            return look()
        except NothingYet as nothing:
            topics = nothing.topics
        pause(call, topics, mark, min(deadline - time.monotonic(), look_again()), began)


def look_again() -> float:
    """Seconds until a call that was not woken looks nevertheless."""
    return random.uniform(*LOOK_AGAIN)  # noqa: S311 - nobody gains by guessing it


def pause(call: Call, topics: tuple[str, ...], mark: int, seconds: float, began: float) -> bool:
    """Wait until one of the topics or the key changes; then let the call in once more. Whether one may have changed.

    Args:
        mark: of `Changes`, from before the last look.
        began: when that look began, by the monotonic clock.

    Raises:
        Problem: the key may not make this call any more.
    """
    assert call.credential is not None
    assert call.readmit is not None
    gate, until = call.services.gate, time.monotonic() + seconds
    with gate.left():
        call.woken = call.services.changes.wait((*topics, call.credential.key_id), mark, max(seconds, 0))
        apart = APART + APART_FOR_EACH * gate.crowd
        early = min(began + apart, until) - time.monotonic()
        if early > 0:
            time.sleep(early)  # looks are kept apart: see `APART`
    call.readmit(call)
    return call.woken


def _from_query(call: Call) -> float:
    """`wait`, which is taken out of the query: lists refuse what they do not know."""
    given = [value for name, value in call.query if name == "wait"]
    if not given:
        return 0
    call.read_already = [pair for pair in call.query if pair[0] == "wait"]
    call.query = [pair for pair in call.query if pair[0] != "wait"]
    if len(given) > 1:
        raise BadQuery("wait", "`wait` was given twice.")
    if not _SECONDS.fullmatch(given[0]) or not 0 <= float(given[0]) <= LONGEST_WAIT:
        raise BadQuery("wait", f"`wait` must be a number of seconds from 0 to {LONGEST_WAIT}, such as 30 or 2.5.")
    return float(given[0])


def _from_body(call: Call) -> float:
    body = call.body_for_audit()
    seconds = body.get("wait") if isinstance(body, dict) else None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= LONGEST_WAIT:
        return 0
    return float(seconds)
