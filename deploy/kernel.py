"""What the kernel is asked for, for a process of many threads."""

from __future__ import annotations

import ctypes
import sys

FUTEX_SLOTS = 4096  # of 64 bytes; a power of two
# linux/prctl.h, since 6.16
_PR_FUTEX_HASH, _SET_SLOTS = 78, 1


def spread_futexes() -> None:
    """Give the threads that wait enough room in the kernel's table of them.

    Linux 6.16 and later give each process a table for as many threads as there are processors, of 16 slots on a small
    machine. A thousand that wait are in chains of sixty then, which every wake of any thread walks through. Other
    kernels refuse, and share one large table.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_FUTEX_HASH, _SET_SLOTS, FUTEX_SLOTS, 0, 0)
