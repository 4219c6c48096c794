"""Work that callers who come at the same time share: one of them does it for all who wait."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Grouped(Generic[Item, Result]):
    """Does the work of many callers in one step, and returns to each with its own result once that step is over.

    A caller who finds a place free works for itself. Whoever comes while all are taken queues up; who is done wakes
    those it worked for, and has the first in the queue work next, for all that have come, up to `most`.

    Args:
        work: the results of a group, in order; an exception among them is raised for its caller alone, one that it
            raises for every caller of the group.
        most: the largest group, in callers.
        at_once: how many groups may be worked for at the same time.
    """

    def __init__(
        self, work: Callable[[Sequence[Item]], Sequence[Result | Exception]], most: int = 1000, at_once: int = 1
    ) -> None:
        self._work = work
        self._most = most
        self._places = at_once
        self._mutex = threading.Lock()
        self._queue: list[_Waiting[Item, Result]] = []  # empty while a place is free
        self._begun_at = 0.0

    def run(self, item: Item, patience: float = math.inf) -> Result:
        """The item's result.

        Args:
            patience: seconds without any group being begun, after which a caller leaves the queue.

        Raises:
            TimeoutError: nobody works for it, nor will.
            Exception: what the work raised, or gave for this item.
        """
        (result,) = self.run_all([item], patience)
        if isinstance(result, BaseException):
            raise result
        return result

    def run_all(self, items: Sequence[Item], patience: float = math.inf) -> list[Result | BaseException]:
        """The results of several items of one caller, all worked for in one step; exceptions are among them."""
        waiting: _Waiting[Item, Result] | None = None
        with self._mutex:
            if self._places > 0:
                self._places -= 1
            else:
                waiting = _Waiting(items)
                self._queue.append(waiting)
        if waiting is None:
            try:
                return self._results(items)
            finally:
                self._hand_over(())
        self._wait(waiting, patience)
        if waiting.leads:
            self._work_for(waiting)
        return waiting.results

    def _wait(self, waiting: _Waiting[Item, Result], patience: float) -> None:
        if patience < math.inf:
            while not waiting.woken.acquire(timeout=patience):
                with self._mutex:
                    if waiting not in self._queue:
                        break
                    if time.monotonic() - self._begun_at > patience:
                        self._queue.remove(waiting)
                        raise TimeoutError
            else:
                return
        waiting.woken.acquire()

    def _work_for(self, leader: _Waiting[Item, Result]) -> None:
        with self._mutex:  # now, and not when it was woken: until it has the processor more have come
            others, self._queue = self._queue[: self._most - 1], self._queue[self._most - 1 :]
        try:
            group = [leader, *others]
            left = iter(self._results([item for waiting in group for item in waiting.items]))
            for waiting in group:
                waiting.results = list(islice(left, len(waiting.items)))
        finally:
            self._hand_over(others)

    def _results(self, items: Sequence[Item]) -> list[Result | BaseException]:
        self._begun_at = time.monotonic()
        try:
            results = self._work(items)
            if len(results) != len(items):
                raise ValueError(f"{len(results)} results for {len(items)} items")
        except BaseException as error:
            return [error] * len(items)
        return list(results)

    def _hand_over(self, served: Sequence[_Waiting[Item, Result]]) -> None:
        """Wake those who have their results, and who works next."""
        with self._mutex:
            following = self._queue.pop(0) if self._queue else None
            self._places += following is None
        for waiting in served:
            waiting.woken.release()
        if following is not None:
            following.leads = True
            following.woken.release()


class _Waiting(Generic[Item, Result]):
    """A caller's items on their way.

    Attributes:
        woken: released when there are results, or when the caller is to work.
        leads: whether it is to work, for itself and those in the queue.
    """

    __slots__ = ("items", "leads", "results", "woken")

    results: list[Result | BaseException]

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.leads = False
        self.woken = threading.Lock()
        self.woken.acquire()
