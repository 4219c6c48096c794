"""Words, numbers, JSON and charts: pure functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal import charts, formatting
from portal.highlight import coloured_json, pretty_json

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (2, "just now"),
        (59, "59 seconds ago"),
        (61, "1 minute ago"),
        (7200, "2 hours ago"),
        (-90000, "in 1 day"),
        (46 * 86400, "14 Jan 2026"),
        (-60 * 86400, "30 Apr 2026"),
    ],
)
def test_relative(seconds: int, words: str) -> None:
    assert formatting.relative(NOW - timedelta(seconds=seconds), NOW) == words


def test_exact() -> None:
    assert formatting.exact(NOW) == "2026-03-01 12:00:00.000 UTC"


@pytest.mark.parametrize(
    ("count", "noun", "words"), [(1, "key", "1 key"), (0, "key", "0 keys"), (1200, "entry", "1,200 entries")]
)
def test_counted(count: int, noun: str, words: str) -> None:
    assert formatting.counted(count, noun) == words


@pytest.mark.parametrize(
    ("part", "whole", "words"), [(0, 0, "0 %"), (1, 4, "25 %"), (1, 90_000, "under 0.1 %"), (1, 3, "33.3 %")]
)
def test_percent(part: int, whole: int, words: str) -> None:
    assert formatting.percent(part, whole) == words


def test_every_status_has_a_tone() -> None:
    assert [formatting.tone(word) for word in ("approved", "failing", "revoked", "in_review", "draft")] == [
        "ok",
        "warn",
        "bad",
        "info",
        "neutral",
    ]


def test_short_ids_keep_the_end_that_differs() -> None:
    assert formatting.short_id("key_01jd3q8v9w7x5y2m4n6p8r0s1t") == "key_01j…8r0s1t"
    assert formatting.short_id("system") == "system"


@pytest.mark.parametrize(
    ("name", "letters"), [("Ada Mori", "AM"), ("Rui Tanaka-Oliveira", "RO"), ("x", "X"), ("", "?")]
)
def test_initials(name: str, letters: str) -> None:
    assert formatting.initials(name) == letters


def test_marks_become_quotation_marks() -> None:
    assert formatting.plain("The scope `project` needs one.") == "The scope “project” needs one."


def test_json_is_coloured_and_escaped() -> None:
    html = coloured_json(pretty_json({"a<b": ["</code>", 1.5, True, None]}))
    assert '<span class="json-key">&#34;a&lt;b&#34;</span>:' in html
    assert "</code>" not in html
    assert '<span class="json-number">1.5</span>' in html
    assert '<span class="json-word">true</span>' in html


def test_text_that_is_no_json_is_shown_as_it_is() -> None:
    assert coloured_json(pretty_json("<html> 12")) == '&lt;html&gt; <span class="json-number">12</span>'


def test_bars_are_as_tall_as_their_share() -> None:
    chart = charts.bars(
        [charts.Column("00:00", 10, 5), charts.Column("01:00", 0, 0), charts.Column("02:00", 1, 0)], "call", "error"
    )
    full, empty, low = chart.bars
    assert (full.height, full.bad_height) == (charts.HEIGHT, charts.HEIGHT / 2)
    assert (empty.height, empty.bad_height) == (0, 0)
    assert low.height > 0
    assert full.title == "00:00: 10 calls, 5 errors"
    assert chart.ticks == ["10", "5", "0"]


@pytest.mark.parametrize(("highest", "top"), [(0, 2), (3, 4), (11, 20), (99, 100), (101, 200)])
def test_the_scale_ends_at_a_round_number(highest: int, top: int) -> None:
    assert charts.ceiling(highest) == top


def test_shares_fill_the_meter() -> None:
    assert [(part.x, part.width) for part in charts.shares([("ok", 3), ("bad", 1)])] == [(0, 75), (75, 25)]
