"""Times as text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.clock import parse_rfc3339, rfc3339, system_clock


def test_it_works() -> None:
    moment = datetime(2026, 1, 1, 12, 30, 0, 7000, tzinfo=UTC)
    assert rfc3339(moment) == "2026-01-01T12:30:00.007Z"
    assert parse_rfc3339("2026-01-01T12:30:00.007Z") == moment
    assert parse_rfc3339("2026-01-01t14:30:00.007+02:00") == moment


def test_now_has_no_finer_digit_than_is_shown() -> None:
    now = system_clock()
    assert parse_rfc3339(rfc3339(now)) == now


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-13-01T00:00:00Z",
        "12:00Z",
        "0",
        *(f"2026-01-01T00:00:00{offset}" for offset in ("+14:99", "-00:60", "+24:00", "+0100", "+01")),
    ],
)
def test_it_refuses_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_rfc3339(text)
