"""Ids: a prefix, `_`, and a UUIDv7 (RFC 9562) in 26 characters of lower-case Crockford base32. They sort by age."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26
_PAIRS = [a + b for a in ALPHABET for b in ALPHABET]
_LETTERS = bytes(ord(ALPHABET[byte & 31]) for byte in range(256))

_TAIL = 12  # random letters of an id
_FETCHED = 315  # ids

_lock = threading.Lock()
_last = 0
# Two random bits and a random tail of each of the next ids. The system is asked for many at a time: each time gives the
# interpreter's lock away.
_random: list[tuple[int, str]] = []


def _begin_anew() -> None:
    _random.clear()
    _lock.release()


# A child must not make its parent's ids, nor find the lock held by a thread that it does not have.
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_begin_anew)


def _uuid7() -> str:
    """A UUIDv7 whose first 60 payload bits (milliseconds, then a counter) never repeat within the process."""
    global _last  # noqa: PLW0603 - the counter is the process's own, guarded by the lock
    with _lock:
        stamp = time.time_ns() // 1_000_000 << 12
        _last = stamp = stamp if stamp > _last else _last + 1
        if not _random:
            _random.extend(_drawn())
        bits, tail = _random.pop()
    head = (stamp >> 12) << 20 | 0x7 << 16 | (stamp & 0xFFF) << 4 | 0b10 << 2 | bits
    return f"{_seconds(head >> 30)}{_PAIRS[head >> 20 & 0x3FF]}{_PAIRS[head >> 10 & 0x3FF]}{_PAIRS[head & 0x3FF]}{tail}"


def _drawn() -> Iterator[tuple[int, str]]:
    letters = os.urandom(_FETCHED * _TAIL).translate(_LETTERS).decode()
    for number, byte in enumerate(os.urandom(_FETCHED)):
        yield byte & 3, letters[number * _TAIL : (number + 1) * _TAIL]


def _base32(number: int, pairs: int) -> str:
    return "".join([_PAIRS[number >> shift & 0x3FF] for shift in range(10 * pairs - 10, -1, -10)])


@lru_cache(maxsize=1)
def _seconds(number: int) -> str:
    """The letters that all ids of a second begin with."""
    return _base32(number, 4)


def new_id(prefix: str) -> str:
    """A fresh id such as `chr_01jd3q8v9w7x5y2m4n6p8r0s1t`."""
    return f"{prefix}_{_uuid7()}"


def new_id_stem(prefix: str, counter_digits: int) -> str:
    """A fresh id without its last `counter_digits` characters.

    A statement that inserts many rows appends a row number in hexadecimal (whose digits are Crockford's too), so that
    every row gets an id of the right form without one being sent for each.
    """
    return new_id(prefix)[:-counter_digits]


def id_at(prefix: str, moment: datetime) -> str:
    """The smallest id that can be made at this time."""
    return f"{prefix}_{_base32(round(moment.timestamp() * 1000) << 80, LENGTH // 2)}"


def made_at(row_id: str) -> datetime:
    """When the id was made, in whole milliseconds.

    Raises:
        ValueError: it has not the form of an id.
    """
    tail = row_id.partition("_")[2]
    number = 0
    for digit in tail[:LENGTH]:
        number = number << 5 | ALPHABET.index(digit)
    if len(tail) != LENGTH or number >> 128:
        raise ValueError(row_id)
    return datetime.fromtimestamp((number >> 80) / 1000, UTC)


def is_id(text: str, prefix: str) -> bool:
    """Whether `text` has the form of an id with this prefix."""
    head, _, tail = text.partition("_")
    return head == prefix and len(tail) == LENGTH and not tail.strip(ALPHABET)


def id_pattern(prefix: str) -> str:
    """A regular expression of the ids with this prefix."""
    return f"^{prefix}_[{ALPHABET}]{{{LENGTH}}}$"
