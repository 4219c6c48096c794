"""A file on its way in: who sends it slowly keeps nobody from working."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from api.problems import Problem
from api.uploads import Upload
from domain.gate import Gate


def through(gate: Gate) -> bool:
    with gate:
        return True


class SlowSender:
    """Sends a piece once somebody else has worked meanwhile."""

    def __init__(self, gate: Gate, pieces: list[bytes]) -> None:
        self._gate = gate
        self._pieces = pieces
        self._others = ThreadPoolExecutor(1)

    def read(self, _size: int) -> bytes:
        assert self._others.submit(through, self._gate).result(timeout=10)
        return self._pieces.pop(0) if self._pieces else b""


def upload(gate: Gate, pieces: list[bytes], **environ: Any) -> Upload:
    return Upload({"wsgi.input": SlowSender(gate, pieces), **environ}, gate)


def test_it_works() -> None:
    gate = Gate(working=1, waiting=1)
    with gate:
        assert list(upload(gate, [b"frame", b"s"], CONTENT_LENGTH="6")) == [b"frame", b"s"]
    assert gate.crowd == 0


def test_one_that_breaks_off_gives_its_place_back() -> None:
    gate = Gate(working=1, waiting=1)
    with gate, pytest.raises(Problem):
        list(upload(gate, [b"fra"], CONTENT_LENGTH="6"))
    assert gate.crowd == 0


def test_where_nobody_more_may_wait_it_keeps_its_turn() -> None:
    gate = Gate(working=2, waiting=0)
    with gate:
        assert list(upload(gate, [b"frames"], CONTENT_LENGTH="6")) == [b"frames"]
