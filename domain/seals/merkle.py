"""Leaves and roots (RFC 9162, section 2.1): SHA-256, with a prefix that keeps leaves and nodes apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

LEAF, NODE = b"\x00", b"\x01"
# What a driver gives, and how it is written down. `bool` is absent: no column of the trail is one.
_TAGS: dict[type, bytes] = {str: b"t", int: b"i", float: b"f", bytes: b"b", datetime: b"d"}


def leaf_of(row: Mapping[str, Any]) -> bytes:
    """The hash of one row: every column that is not NULL, by name, with its type and its exact value.

    NULL is left out, so that a column that is added later changes no leaf. Each part says how long it is: no two rows
    are written down alike.
    """
    parts = [LEAF]
    for name in sorted(row):
        if (value := row[name]) is not None:
            data = _written(value)
            parts.append(b"%s %s%d:%s" % (name.encode(), _TAGS.get(type(value), b"?"), len(data), data))
    return hashlib.sha256(b"".join(parts)).digest()


def _written(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes):
        return value
    return (value.astimezone(UTC).isoformat() if isinstance(value, datetime) else repr(value)).encode()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The Merkle root; of no leaves, the hash of nothing."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [hashlib.sha256(NODE + left + right).digest() for left, right in pairs]
        # The odd one moves up as it is, which makes the tree of the RFC: its left half is the largest power of two.
        level = above + level[len(above) * 2 :]
    return level[0]
