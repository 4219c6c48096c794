"""Words and numbers as pages show them: pure functions, registered as Jinja filters by `portal.templating`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from domain.clock import rfc3339, system_clock

MINUTE, HOUR, DAY = 60, 3600, 86_400
STEPS = ((MINUTE, 1, "second"), (HOUR, MINUTE, "minute"), (DAY, HOUR, "hour"), (45 * DAY, DAY, "day"))

TONES = {
    "ok": ("active", "approved", "delivered", "healthy", "succeeded", "enabled"),
    "warn": ("changes_requested", "failing", "suspended", "expiring", "retiring", "degraded"),
    "bad": ("rejected", "failed", "revoked", "expired", "disabled"),
    "info": ("in_review", "running", "sending", "queued", "pending"),
}
BY_WORD = {word: tone for tone, words in TONES.items() for word in words}


def relative(when: datetime, now: datetime | None = None) -> str:
    """`3 minutes ago`, `in 2 days`, or the date where that says more. `static/js/times.js` ticks in the same words."""
    now = now or system_clock()
    seconds = round((now - when).total_seconds())
    size = abs(seconds)
    if size < 5:
        return "just now"
    for limit, unit, word in STEPS:
        if size < limit:
            amount = counted(size // unit, word)
            return f"{amount} ago" if seconds > 0 else f"in {amount}"
    return f"{when.astimezone(UTC):%-d %b %Y}"


def exact(when: datetime) -> str:
    """`2026-01-31 09:15:02.123 UTC`: what a hover shows."""
    return rfc3339(when).replace("T", " ").replace("Z", " UTC")


def number(value: int) -> str:
    """Thousands apart: `12,345`."""
    return f"{value:,}"


def size(value: int) -> str:
    """`512 bytes`, `3.4 KiB`, `1,024.0 MiB`."""
    if value < 1024:
        return counted(value, "byte")
    return f"{value / 1024:,.1f} KiB" if value < 1024**2 else f"{value / 1024**2:,.1f} MiB"


def milliseconds(value: float) -> str:
    """`0.42 ms`, `18 ms`, `20,000 ms`: two digits that count, and all before the point."""
    return f"{value:.2g} ms" if value < 10 else f"{value:,.0f} ms"


def counted(count: int, noun: str) -> str:
    """`1 key`, `2 keys`, `3 entries`."""
    if count == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"
    return f"{count:,} {plural}"


def percent(part: int, whole: int) -> str:
    """`0.4 %`; a share that is not nothing never reads as nothing."""
    if not whole:
        return "0 %"
    share = 100 * part / whole
    if 0 < share < 0.1:
        return "under 0.1 %"
    return f"{share:.1f}".removesuffix(".0") + " %"


def words(value: str) -> str:
    """A stored word as people read it: `changes_requested` → `changes requested`."""
    return str(value).replace("_", " ")


def sentence(value: str) -> str:
    """The same, at the start of a line: `Changes requested`."""
    text = words(value)
    return text[:1].upper() + text[1:]


def tone(value: str) -> str:
    """The status colour of a status word: ok, warn, bad, info or neutral."""
    return BY_WORD.get(str(value), "neutral")


def short_id(value: str) -> str:
    """`key_01k…9x2f7a`: ids made in one minute share their beginning, so the end is what tells rows apart."""
    prefix, _, rest = value.partition("_")
    return f"{prefix}_{rest[:3]}…{rest[-6:]}" if len(rest) > 12 else value


def initials(name: str) -> str:
    """At most two letters of a name."""
    parts = [part for part in name.replace("-", " ").split() if part[0].isalnum()]
    return "".join(part[0] for part in (parts[:1] + parts[1:][-1:])).upper() or "?"


def plain(text: str) -> str:
    """A sentence of the domain for people: its `code` marks become quotation marks."""
    return re.sub(r"`([^`]+)`", r"“\1”", text)


def joined(items: Iterable[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    *head, tail = list(items) or [""]
    return f"{', '.join(head)} {last} {tail}" if head else tail


def subject(changes: Mapping[str, Any] | None) -> str:
    """The name of what an action of the audit trail was about, as far as it was kept."""
    name = (changes or {}).get("name")
    if isinstance(name, Mapping):
        name = name.get("to")
    return name if isinstance(name, str) else ""


def changed(changes: Mapping[str, Any] | None) -> str:
    """`read per minute 100 → 77, tags farm → none`: what an action of the audit trail changed."""
    pairs = {name: pair for name, pair in (changes or {}).items() if isinstance(pair, Mapping) and "to" in pair}
    return ", ".join(f"{words(name)} {_short(pair.get('from'))} → {_short(pair['to'])}" for name, pair in pairs.items())


def _short(value: Any) -> str:
    return " ".join(map(str, value)) or "none" if isinstance(value, list) else str(value or "none")
