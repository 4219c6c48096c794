"""The geometry of charts: numbers in, rectangles out. `templates/ui/chart.html` draws them as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .formatting import counted, milliseconds, number

WIDTH, HEIGHT = 960, 148
GAP = 0.22


@dataclass(frozen=True, slots=True)
class Column:
    """One bar's figures: `bad` of `total` went wrong."""

    label: str
    total: int
    bad: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar and the invisible slot around it that shows the figures on hover."""

    x: float
    y: float
    width: float
    height: float
    bad_y: float
    bad_height: float
    slot_x: float
    slot_width: float
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A bar chart, ready to draw. Ticks run from the top down."""

    width: int
    height: int
    bars: Sequence[Bar]
    grid: Sequence[float]
    ticks: Sequence[str]
    labels: Sequence[str]


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a meter, in percent of its length."""

    tone: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Span:
    """A phase of an exchange: where it lies in the whole, in percent, and what it took."""

    label: str
    x: float
    width: float
    time: str


PHASES = {
    "dns": "Name look-up",
    "connect": "Connection",
    "tls": "TLS handshake",
    "first_byte": "Waiting for the answer",
    "body": "Body of the answer",
}


def bars(columns: Sequence[Column], noun: str, bad_noun: str, every: int = 6) -> Chart:
    """Stacked bars, errors on the base line; one label below every `every` columns."""
    top = ceiling(max((column.total for column in columns), default=0))
    slot = WIDTH / max(len(columns), 1)
    drawn = [_bar(column, index, slot, top, noun, bad_noun) for index, column in enumerate(columns)]
    labels = [column.label for column in columns[::every]] + [column.label for column in columns[-1:]]
    return Chart(WIDTH, HEIGHT, drawn, (0.5, HEIGHT / 2, HEIGHT - 0.5), [number(top), number(top // 2), "0"], labels)


def _bar(column: Column, index: int, slot: float, top: int, noun: str, bad_noun: str) -> Bar:
    # Something is never drawn as nothing: one call among thousands still shows as a line.
    height = max(HEIGHT * column.total / top, 1.5) if column.total else 0.0
    bad = max(HEIGHT * column.bad / top, 1.5) if column.bad else 0.0
    return Bar(
        x=round(index * slot + slot * GAP / 2, 2),
        y=round(HEIGHT - height, 2),
        width=round(slot * (1 - GAP), 2),
        height=round(height, 2),
        bad_y=round(HEIGHT - bad, 2),
        bad_height=round(bad, 2),
        slot_x=round(index * slot, 2),
        slot_width=round(slot, 2),
        title=f"{column.label}: {counted(column.total, noun)}, {counted(column.bad, bad_noun)}",
    )


def ceiling(highest: int) -> int:
    """The round even number at or above the highest bar: 2, 4, 10, 20, 40, 100, …"""
    step = 1
    while True:
        for factor in (2, 4, 6, 10):
            if highest <= factor * step:
                return factor * step
        step *= 10


def shares(parts: Sequence[tuple[str, float]]) -> list[Share]:
    """The parts of a meter in proportion to their counts."""
    whole = sum(count for _, count in parts) or 1
    drawn: list[Share] = []
    x = 0.0
    for tone, count in parts:
        width = 100 * count / whole
        drawn.append(Share(tone, round(x, 3), round(width, 3)))
        x += width
    return drawn


def spans(phases: Mapping[str, float]) -> list[Span]:
    """The phases one behind the other, and the whole. None is drawn as nothing.

    Args:
        phases: milliseconds of each, by its word.
    """
    parts = [(name, phases[name]) for name in PHASES if name in phases]
    drawn = [
        Span(PHASES[share.tone], min(share.x, 99.0), max(share.width, 1.0), milliseconds(phases[share.tone]))
        for share in shares(parts)
    ]
    return [*drawn, Span("In all", 0, 100, milliseconds(sum(phases.values())))] if len(drawn) > 1 else drawn


def spark_points(values: Sequence[int], width: int = 96, height: int = 20) -> str:
    """The `points` of a sparkline, with room for half its stroke."""
    top = max(values, default=0) or 1
    step = width / max(len(values) - 1, 1)
    return " ".join(
        f"{index * step:.1f},{height - 1 - (height - 2) * value / top:.1f}" for index, value in enumerate(values)
    )
