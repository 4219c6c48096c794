"""The gate: so many work at once, and those who wait stand outside of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from domain.gate import Gate
from tests.support.threads import at_once
from tests.support.waiting import wait_until


def test_it_works() -> None:
    """Of eight that come at once no more than two are ever inside."""
    gate, inside, most, lock = Gate(2, 0), [0], [0], threading.Lock()

    def work() -> None:
        for _ in range(50):
            with gate:
                with lock:
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                with lock:
                    inside[0] -= 1

    at_once(8, work)
    assert (inside[0], most[0] <= 2) == (0, True)


def test_who_waits_lets_another_in() -> None:
    gate, done = Gate(1, 1), threading.Event()

    def wait() -> bool:
        with gate, gate.left():
            return done.wait(10)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait)
        with gate:  # which is not held by the one that waits
            done.set()
        assert waiting.result()


def test_there_is_room_for_so_many() -> None:
    gate = Gate(1, 2)
    assert [gate.take_room() for _ in range(3)] == [True, True, False]
    assert gate.crowd == 2
    gate.give_room()
    assert gate.take_room()
    assert not Gate(1, 0).take_room()


def test_a_key_has_half_of_the_room() -> None:
    gate = Gate(1, 3)
    assert [gate.take_room("a") for _ in range(3)] == [True, True, False]
    assert gate.take_room("b")
    gate.give_room("a")
    assert gate.take_room("a")
    assert Gate(1, 1).take_room("a")


@pytest.mark.parametrize(("room", "others"), [(1, True), (0, False)])
def test_a_body_is_waited_for_outside(room: int, others: bool) -> None:
    """Where there is room; without, whoever sends slowly is one of those at work."""
    gate, came = Gate(1, room), threading.Event()

    class Slow:
        def read(self, *_size: int) -> bytes:
            return b"x" if came.wait(10) else b""

    def receive() -> bytes:
        with gate:
            return gate.body_outside(Slow()).read(5)

    with ThreadPoolExecutor(2) as pool:
        received = pool.submit(receive)
        wait_until(lambda: gate.crowd == room, 5, "nobody reads")
        other = pool.submit(gate.__enter__)
        assert bool(wait([other], 0.2).done) is others
        came.set()
        if others:
            gate.__exit__()
        assert received.result() == b"x"
        other.result(5)


def test_streams_are_counted_by_key() -> None:
    gate = Gate(1, 0)
    assert [gate.open_stream("a", 2) for _ in range(3)] == [True, True, False]
    assert gate.open_stream("b", 2)
    gate.close_stream("a")
    assert gate.open_stream("a", 2)


def test_a_body_is_made_inside() -> None:
    gate, closed = Gate(1, 0), threading.Event()

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            return self

        def __next__(self) -> bytes:
            with ThreadPoolExecutor(1) as pool:
                other = pool.submit(gate.__enter__)  # it cannot come in while this is made
                assert not other.done()
                gate.__exit__()
                wait_until(other.done, 5, "nobody came in")
            raise StopIteration

        def close(self) -> None:
            closed.set()

    body = gate.through(Body())
    assert list(body) == []
    body.close()  # type: ignore[attr-defined]  # of a WSGI body (PEP 3333)
    assert closed.is_set()
