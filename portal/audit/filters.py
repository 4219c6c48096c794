"""The filter bar of the audit trail: what its fields mean in the query language that the API has too.

An address of the API's `/audit` works here with its query as it is. The bar adds two conveniences: a time may come from
a `datetime-local` field, without its offset, and `status=4xx` stands for a range of codes, `status=404` for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from domain.clock import parse_rfc3339
from domain.errors import BadQuery

FROM, UNTIL, STATUS = "at[gte]", "at[lt]", "status"
CLASSES = (("2xx", "2xx: done"), ("3xx", "3xx: unchanged"), ("4xx", "4xx: refused"), ("5xx", "5xx: failed"))
# Those that an admin looks for; any other code may stand in the address.
CODES = (
    ("400", "400: malformed"), ("401", "401: key refused"), ("403", "403: not allowed"), ("404", "404: not there"),
    ("409", "409: conflict"), ("412", "412: changed since"), ("422", "422: invalid"), ("429", "429: too many"),
    ("500", "500: broken"), ("503", "503: busy"),
)  # fmt: skip
METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
SPANS = (
    ("hour", "Last hour", timedelta(hours=1)),
    ("day", "Last day", timedelta(days=1)),
    ("week", "Last 7 days", timedelta(days=7)),
)
# Fields of the bar; other names of the grammar are kept and shown beside it.
FIELDS = ("key_id", "route", "method", STATUS, "ip", FROM, UNTIL, "request_id")

Pairs = list[tuple[str, str]]


def given(arguments: Iterable[tuple[str, str]]) -> Pairs:
    """The query without the fields that were left empty."""
    return [(name, value.strip()) for name, value in arguments if value.strip()]


def conditions(pairs: Pairs) -> Pairs:
    """The query in the words of `domain.listing`.

    Raises:
        BadQuery: a status or a class of them that does not exist.
    """
    found: Pairs = []
    for name, value in pairs:
        if name == STATUS:
            found += _status(value)
        elif name.startswith("at[") and _is_local(value):
            found.append((name, f"{value}Z"))
        else:
            found.append((name, value))
    return found


def _status(value: str) -> Pairs:
    if value.isascii() and value.isdigit() and len(value) == 3:
        return [("status_code", value)]
    names = [name for name, _ in CLASSES]
    if value not in names:
        raise BadQuery(STATUS, f"`{STATUS}` must be a code such as 404, or one of {', '.join(names)}.")
    low = int(value[0]) * 100
    return [("status_code[gte]", str(low)), ("status_code[lt]", str(low + 100))]


def _is_local(value: str) -> bool:
    """Whether it is a time as `datetime-local` gives it: without an offset."""
    try:
        return "T" in value and datetime.fromisoformat(value).tzinfo is None
    except ValueError:
        return False


def field_values(pairs: Pairs) -> dict[str, str]:
    """What the bar's fields show; a time in the form that `datetime-local` takes, in UTC."""
    shown = dict.fromkeys(FIELDS, "") | {name: value for name, value in pairs if name in FIELDS}
    return shown | {name: _local(shown[name]) for name in (FROM, UNTIL)}


def _local(value: str) -> str:
    try:
        moment = parse_rfc3339(f"{value}Z" if _is_local(value) else value)
    except (ValueError, OverflowError):
        return ""
    return moment.replace(tzinfo=None).isoformat(timespec="minutes")


def spans(pairs: Pairs, now: datetime) -> list[tuple[str, str, Mapping[str, str]]]:
    """For each quick span its name, label and the query that keeps every other filter; the first is all of time."""
    kept = {name: value for name, value in pairs if not name.startswith("at") and name != "cursor"}
    links: list[tuple[str, str, Mapping[str, str]]] = [("", "All time", kept)]
    for name, label, length in SPANS:
        links.append((name, label, {**kept, FROM: f"{now - length:%Y-%m-%dT%H:%M}"}))
    return links


def current_span(pairs: Pairs, now: datetime) -> str | None:
    """The quick span that the query is, give or take some minutes; None for any other range."""
    times = {name: value for name, value in pairs if name.startswith("at")}
    if not times:
        return ""
    start = _local(times.get(FROM, "")) if set(times) == {FROM} else ""
    if not start:
        return None
    age = now - parse_rfc3339(f"{start}:00Z")
    return next((name for name, _, length in SPANS if abs(age - length) <= length / 20), None)
