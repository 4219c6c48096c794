"""Patterns of text fields, in RE2's syntax: matching takes time linear in the text, whatever the pattern (0012)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

LONGEST_PATTERN = 500
# Bounds the compiled pattern, and with it the time for each character.
_MEMORY = 1 << 18


class BadPattern(ValueError):
    """The pattern cannot be used. The message says why."""


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> Any:
    """The pattern, ready for `fullmatch`.

    Raises:
        BadPattern: too long or too large, or not in RE2's syntax, which has no look-around and no back-references.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise BadPattern(f"Keep the pattern to {LONGEST_PATTERN} characters.")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        [reason] = error.args
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise BadPattern(f"RE2 cannot use the pattern: {text}.") from None
