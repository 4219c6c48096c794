"""How many at a time: windows that follow what an endpoint answers, and shares that leave nobody out."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from domain.deliveries.claiming import Claimed, Endpoint
from domain.deliveries.models import FIRST, REPLAY, RETRY
from jobs.lines import FIRST_WINDOW, LARGEST_WINDOW, LEAST_AHEAD, Line, asks


def claimed(lane: int = FIRST) -> Claimed:
    return Claimed("dlv", "whk", "evt", 1, lane, "token", False, b"{}")


def endpoint(name: str, *lanes: int, probing: bool = False) -> Endpoint:
    return Endpoint(name, False, probing, None, None, "", 20, None, lanes or (FIRST,))


def full(line: Line, count: int = 10_000) -> int:
    """Put so many and start what may be started; how many that was."""
    for _ in range(count):
        line.put(claimed())
    return sum(1 for _ in iter(line.next, None))


def test_it_works() -> None:
    line = Line()
    assert full(line) == FIRST_WINDOW
    for _ in range(FIRST_WINDOW):
        line.ended(claimed(), answered=True, seconds=0.25)
    assert sum(1 for _ in iter(line.next, None)) == 2 * FIRST_WINDOW


def test_a_window_has_an_end() -> None:
    line = Line(window=LARGEST_WINDOW, active=1)
    line.ended(claimed(), answered=True, seconds=0.001)
    assert line.window == LARGEST_WINDOW


def test_what_hangs_is_sent_less_and_less() -> None:
    line = Line()
    full(line)
    for _ in range(FIRST_WINDOW):
        line.ended(claimed(), answered=False, seconds=20)
    assert line.window == 1
    assert full(line) == 1


def test_a_receiver_at_its_limit_is_not_sent_more() -> None:
    line = Line(active=2)
    line.ended(claimed(), answered=True, seconds=0.01)
    line.ended(claimed(), answered=True, seconds=0.1)
    assert line.window == FIRST_WINDOW + 1


def test_what_waits_too_long_is_given_back() -> None:
    line = Line()
    full(line, 20)
    assert line.give_back(60) == []
    assert len(line.give_back(0)) == 20 - FIRST_WINDOW
    assert line.under_way == FIRST_WINDOW


def test_a_probe_is_alone() -> None:
    found = asks(1000, [endpoint("a", FIRST, RETRY, probing=True)], {"a": Line(window=100)}, Counter())
    assert [(ask.lane, ask.most) for ask in found] == [(FIRST, 1)]


def test_an_endpoint_of_which_nothing_is_known_gets_a_little() -> None:
    assert [ask.most for ask in asks(1000, [endpoint("a")], {}, Counter())] == [LEAST_AHEAD]


def test_later_attempts_leave_half_of_the_slots_to_first_ones() -> None:
    lines = {name: Line(window=512) for name in "ab"}
    found = asks(1000, [endpoint("a", RETRY, REPLAY), endpoint("b", RETRY)], lines, Counter())
    assert sum(ask.most for ask in found) == 500
    assert asks(500, [endpoint("a", RETRY)], lines, Counter({RETRY: 500})) == []
    assert asks(500, [endpoint("b", FIRST)], lines, Counter({RETRY: 500}))[0].most == 500


@given(
    free=st.integers(1, 1024),
    windows=st.dictionaries(st.text("abcdefgh", min_size=1, max_size=3), st.integers(1, 512), min_size=1),
)
def test_shares(free: int, windows: dict[str, int]) -> None:
    lines = {name: Line(window=window) for name, window in windows.items()}
    found = {ask.webhook_id: ask.most for ask in asks(free, [endpoint(name) for name in windows], lines, Counter())}
    assert sum(found.values()) == min(free, sum(line.room() for line in lines.values()))
    for name, most in found.items():
        assert most <= lines[name].room()
        if most < lines[name].room():  # nobody else has more than one more
            assert max(found.values()) <= most + 1
