"""Work that callers who come at the same time share: one of them does it for all who wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Grouped(Generic[Item, Result]):
    """Does the work of many callers in one step, and returns to each with its own result once that step is over.

    A caller who finds nobody at work does it, for everything that has queued up. When it is done it wakes those it
    worked for, and has the first of those who came meanwhile work next: nobody waits for two steps.

    Args:
        work: the results of a group, in order; an exception among them is raised for its caller alone, one that it
            raises for every caller of the group.
        most: the largest group.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Result | Exception]], most: int = 1000) -> None:
        self._work = work
        self._most = most
        self._mutex = threading.Lock()
        self._queue: list[_Waiting[Item, Result]] = []
        self._working = False

    def run(self, item: Item) -> Result:
        """The item's result.

        Raises:
            Exception: what the work raised, or gave for this item.
        """
        waiting: _Waiting[Item, Result] = _Waiting(item)
        with self._mutex:
            self._queue.append(waiting)
            first, self._working = not self._working, True
        if not first:
            waiting.woken.acquire()
        if not waiting.done:
            self._work_for_queue()
        if isinstance(waiting.result, BaseException):
            raise waiting.result
        return waiting.result

    def _work_for_queue(self) -> None:
        with self._mutex:
            group, self._queue = self._queue[: self._most], self._queue[self._most :]
        try:
            self._do(group)
        finally:
            with self._mutex:
                following = self._queue[0] if self._queue else None
                self._working = following is not None
            for waiting in group:
                waiting.done = True
                waiting.woken.release()
            if following is not None:
                following.woken.release()

    def _do(self, group: Sequence[_Waiting[Item, Result]]) -> None:
        try:
            results: Sequence[Result | BaseException] = self._work([waiting.item for waiting in group])
        except BaseException as error:
            results = [error] * len(group)
        for waiting, result in zip(group, results, strict=True):
            waiting.result = result


class _Waiting(Generic[Item, Result]):
    """An item on its way. `woken` is released when it has its result, or when its caller is to work next."""

    __slots__ = ("done", "item", "result", "woken")

    result: Result | BaseException

    def __init__(self, item: Item) -> None:
        self.item = item
        self.done = False
        self.woken = threading.Lock()
        self.woken.acquire()
