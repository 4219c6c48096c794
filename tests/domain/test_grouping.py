"""Work shared by those who come at the same time: in order, each with its own result, and nobody forgotten."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier, Event, Lock
from weakref import ref

import pytest

from domain.grouping import Grouped
from tests.support.waiting import wait_until


class Gate:
    """Work that waits for leave, and remembers the groups it was given."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.leave = Event()

    def work(self, items: Sequence[int]) -> list[int | Exception]:
        self.groups.append(list(items))
        assert self.leave.wait(5)
        if 13 in items:
            raise ArithmeticError("thirteen")
        return [ValueError(str(item)) if item < 0 else item * 10 for item in items]


def run_together(gate: Gate, items: Sequence[int], most: int = 1000) -> list[Future[int]]:
    """The first alone, the others while it is at work."""
    grouped = Grouped(gate.work, most)
    with ThreadPoolExecutor(len(items)) as pool:
        futures = [pool.submit(grouped.run, items[0])]
        wait_until(lambda: bool(gate.groups), 5, "the first does not work")
        for number, item in enumerate(items[1:], start=1):
            futures.append(pool.submit(grouped.run, item))
            wait_until(lambda: len(grouped._queue) == number, 5, "nobody queues up")  # noqa: B023 - called within the turn
        gate.leave.set()
    return futures


def test_it_works() -> None:
    gate = Gate()
    futures = run_together(gate, [1, 2, 3, 4])
    assert [future.result() for future in futures] == [10, 20, 30, 40]
    assert gate.groups == [[1], [2, 3, 4]]


def test_a_group_is_no_larger_than_it_may_be() -> None:
    gate = Gate()
    futures = run_together(gate, [1, 2, 3, 4, 5, 6], most=2)
    assert [future.result() for future in futures] == [10, 20, 30, 40, 50, 60]
    assert gate.groups == [[1], [2, 3], [4, 5], [6]]


def test_an_exception_among_the_results_is_raised_for_its_caller_alone() -> None:
    futures = run_together(Gate(), [1, 2, -3, 4])
    assert [future.exception() is None for future in futures] == [True, True, False, True]
    with pytest.raises(ValueError, match="-3"):
        futures[2].result()


def test_an_exception_of_the_work_is_raised_for_the_whole_group_and_the_next_one_works() -> None:
    gate = Gate()
    futures = run_together(gate, [1, 13, 2])
    assert futures[0].result() == 10
    for future in futures[1:]:
        with pytest.raises(ArithmeticError):
            future.result()


def test_what_one_caller_brings_stays_together() -> None:
    grouped: Grouped[int, int] = Grouped(
        lambda items: [item * 10 if item % 2 else ValueError(str(item)) for item in items]
    )
    with ThreadPoolExecutor(16) as pool:
        many = list(pool.map(grouped.run_all, [range(number, number + 3) for number in range(0, 3000, 3)]))
    shown = [str(result) for results in many for result in results]
    assert shown == [str(number * 10) if number % 2 else str(number) for number in range(3000)]


def test_several_groups_are_worked_for_at_once_and_no_more() -> None:
    at_work, most, lock = 0, 0, Lock()
    both = Barrier(2)

    def work(items: Sequence[int]) -> list[int]:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        both.wait(5)
        with lock:
            at_work -= 1
        return [item + 1 for item in items]

    grouped: Grouped[int, int] = Grouped(work, most=1, at_once=2)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(grouped.run, range(40))) == list(range(1, 41))
    assert most == 2


def test_who_sees_nothing_begun_leaves_the_queue() -> None:
    gate = Gate()
    grouped = Grouped(gate.work)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(grouped.run, 1)
        wait_until(lambda: bool(gate.groups), 5, "the first does not work")
        stays = pool.submit(grouped.run, 2)
        leaves = pool.submit(grouped.run, 3, 0.01)
        with pytest.raises(TimeoutError):
            leaves.result(5)
        gate.leave.set()
        assert [first.result(), stays.result()] == [10, 20]
    assert gate.groups == [[1], [2]]


def test_nothing_is_left_to_the_collector() -> None:
    class Item:
        pass

    grouped: Grouped[Item, Item] = Grouped(lambda items: items)
    gc.disable()
    try:
        with ThreadPoolExecutor(4) as pool:
            held = [ref(result) for result in pool.map(grouped.run, [Item() for _ in range(100)])]
        assert [left for left in held if left() is not None] == []
    finally:
        gc.enable()


def test_many_callers_each_get_their_own() -> None:
    grouped: Grouped[int, int] = Grouped(lambda items: [item + 1 for item in items])
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(grouped.run, range(5000))) == list(range(1, 5001))
