"""Time as a port: the real clock, and RFC 3339 text with milliseconds."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
_OFFSET = re.compile(r"(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)\Z", re.ASCII | re.IGNORECASE)


def system_clock() -> datetime:
    """Now, in UTC, cut to milliseconds: what is stored, signed and shown is one value."""
    return datetime.fromtimestamp(time.time_ns() // 1_000_000 / 1000, UTC)


def to_milliseconds(moment: datetime) -> datetime:
    """The moment as it is shown."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def rfc3339(moment: datetime) -> str:
    """`2026-01-01T00:00:00.000Z` (RFC 3339, always UTC, always milliseconds)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def parse_rfc3339(text: str) -> datetime:
    """The moment in UTC.

    Raises:
        ValueError: not an RFC 3339 date-time with an offset.
    """
    moment = datetime.fromisoformat(text)
    if "T" not in text.upper() or not _OFFSET.search(text):
        raise ValueError("a time needs a date, a `T` and an offset, for example 2026-01-01T00:00:00Z")
    return moment.astimezone(UTC)
