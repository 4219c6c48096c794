"""The filter bar of the audit trail: what its fields mean in the query language that the API has too.

An address of the API's `/audit` works here with its query as it is. The bar adds two conveniences: a time may come from
a `datetime-local` field, without its offset, and `status=4xx` stands for a range of codes, `status=404` for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from domain.audit import SOURCES
from domain.clock import parse_rfc3339
from domain.errors import BadQuery
from domain.ports import UNKNOWN, spelled

FROM, UNTIL, STATUS, ADDRESS = "at[gte]", "at[lt]", "status", "ip"
CLASSES = (("2xx", "2xx: done"), ("3xx", "3xx: unchanged"), ("4xx", "4xx: refused"), ("5xx", "5xx: failed"))
# Those that an admin looks for; any other code may stand in the address.
CODES = (
    ("400", "400: malformed"), ("401", "401: key refused"), ("403", "403: not allowed"), ("404", "404: not there"),
    ("409", "409: conflict"), ("412", "412: changed since"), ("422", "422: invalid"), ("429", "429: too many"),
    ("500", "500: broken"), ("503", "503: busy"),
)  # fmt: skip
_DOORS = {"api": "The API", "portal": "The portal", "cli": "The command line", "system": "Callsheet itself"}
DOORS = tuple((source, _DOORS[source]) for source in SOURCES)
METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
SPANS = (
    ("hour", "Last hour", timedelta(hours=1)),
    ("day", "Last day", timedelta(days=1)),
    ("week", "Last 7 days", timedelta(days=7)),
)
# Fields of the bar; other names of the grammar are kept and shown beside it.
FIELDS = (
    *("key_id", "user_id", "route", "action", "method", STATUS, "source"),
    *(ADDRESS, FROM, UNTIL, "request_id"),
)

Pairs = list[tuple[str, str]]


def given(arguments: Iterable[tuple[str, str]]) -> Pairs:
    """The query without the fields that were left empty."""
    return [(name, value.strip()) for name, value in arguments if value.strip()]


def conditions(pairs: Pairs) -> Pairs:
    """The query in the words of `domain.listing`.

    Raises:
        BadQuery: a status, a class of them or an address that does not exist, or a range that ends before it begins.
    """
    found: Pairs = []
    for name, value in pairs:
        if name == STATUS:
            found += _status(value)
        elif name == ADDRESS:
            found.append((name, _address(value)))
        elif name.startswith("at[") and _is_local(value):
            found.append((name, f"{value}Z"))
        else:
            found.append((name, value))
    _check_range(dict(found))
    return found


def _address(value: str) -> str:
    """The address as the trail has it: `2001:DB8:0::1` is kept as `2001:db8::1`."""
    try:
        return value if value == UNKNOWN else spelled(value)
    except ValueError:
        told = f"{value[:60]!r} is no address. One is written like 192.0.2.7 or 2001:db8::7, whole and without a port."
        raise BadQuery(ADDRESS, told) from None


def _check_range(found: Mapping[str, str]) -> None:
    try:
        begins, ends = (parse_rfc3339(found[name]) for name in (FROM, UNTIL))
    except (KeyError, ValueError, OverflowError):
        return  # there is no range; what is no time is refused as such
    if ends <= begins:
        raise BadQuery(UNTIL, "The range ends before it begins: “Until” has to be later than “From”.")


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
