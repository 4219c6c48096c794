"""Processes on this machine: ties to a parent, descendants, ending them. Standard library only.

What needs Linux (`prctl`, `/proc`) does nothing elsewhere; the guard's own look at its parent still works there.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LONGEST_KILL = 5.0


def _prctl(option: int, value: int) -> None:
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, ctypes.c_ulong(value), 0, 0, 0)


def signal_at_parents_death(signum: int) -> None:
    """Have the kernel send `signum` to this process when its parent dies. It survives `exec`, not `fork`."""
    _prctl(_PR_SET_PDEATHSIG, signum)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies, however it was started."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _children() -> dict[int, set[int]]:
    """Each process's children; empty where there is no `/proc`."""
    children: dict[int, set[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            # "pid (name) state ppid": the name may hold spaces and brackets, so read from the last bracket.
            parent = int((entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, set()).add(int(entry.name))
    return children


def children_of(pid: int) -> set[int]:
    """The processes whose parent is `pid`."""
    return _children().get(pid, set())


def descendants(root: int) -> set[int]:
    """Every process below `root`."""
    children = _children()
    found: set[int] = set()
    fresh = children.get(root, set())
    while fresh:
        found |= fresh
        fresh = set().union(*(children.get(pid, set()) for pid in fresh))
    return found


def send(pids: Iterable[int], signum: int) -> None:
    """Send `signum` to each process that still exists and may be signalled."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signum)


def reap() -> dict[int, int]:
    """Collect every child that has ended: pid to wait status. Does not wait."""
    ended: dict[int, int] = {}
    with suppress(ChildProcessError):
        while (result := os.waitpid(-1, os.WNOHANG))[0]:
            ended[result[0]] = result[1]
    return ended


def end_descendants(grace: float) -> None:
    """Ask every descendant to stop, kill those that have not within `grace` seconds, and return when none is left.

    Complete only in a process that adopts orphans, because a descendant of a dead one is found through its parent.
    """
    asked: set[int] = set()
    kill_at = time.monotonic() + grace
    while time.monotonic() < kill_at + _LONGEST_KILL:
        reap()
        left = descendants(os.getpid())
        if not left:
            return
        if time.monotonic() >= kill_at:
            send(left, signal.SIGKILL)
        else:
            send(left - asked, signal.SIGTERM)
            asked |= left
        time.sleep(0.02)


def end_like(status: int) -> NoReturn:
    """End this process as the one with this wait status ended: the same exit code, or by the same signal."""
    if os.WIFSIGNALED(status):
        signum = os.WTERMSIG(status)
        if signum != signal.SIGKILL:
            signal.signal(signum, signal.SIG_DFL)
        os.kill(os.getpid(), signum)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
