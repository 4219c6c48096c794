"""Sets under the sky: hills, streets, roofs, water, other worlds and the space between them."""

from __future__ import annotations

import math
import random

from .palette import Colour, Palette, mix
from .plane import FULL, HORIZON, Pen, Plane, glow, gradient
from .subject import Mood

W, H = FULL


def sky(mood: Mood, palette: Palette, dice: random.Random) -> list[Plane]:
    """The sky, and what lights it."""
    top, middle, horizon = palette.sky
    image = gradient(((0.0, top), (0.42, middle), (0.7, horizon), (1.0, mix(horizon, palette.near, 0.35))))
    pen = Pen()
    dark = mood.light == "night" or mood.place == "space"
    if dark and mood.weather in ("clear", "snow"):
        for _ in range(420 if mood.place == "space" else 170):
            size = dice.choice((0.6, 0.6, 0.9, 1.3))
            x, y = dice.uniform(0, W), dice.uniform(0, H if mood.place == "space" else HORIZON * 0.85)
            pen.round(x, y, size, size, palette.glow, dice.randint(90, 230))
    x = dice.uniform(0.2, 0.8) * W
    y = HORIZON * {"day": 0.3, "dawn": 0.86, "dusk": 0.9, "night": 0.3}[mood.light]
    if mood.place != "space":
        image.alpha_composite(glow(x, y, 520 if mood.light in ("dawn", "dusk") else 330, palette.glow, 190))
        if mood.weather in ("clear", "snow", "rain") or mood.ink:
            radius = 96 if mood.ink else 46 if mood.light in ("dawn", "dusk") else 34
            pen.round(x, y, radius, radius, palette.glow, 255 if mood.weather != "rain" else 130)
    planes = [Plane(image, 0.0), pen.done(0.04)]
    return [*planes, _clouds(palette, dice)] if mood.place not in ("space", "moon") and not mood.ink else planes


def _clouds(palette: Palette, dice: random.Random) -> Plane:
    pen = Pen()
    for _ in range(7):
        x, y, length = dice.uniform(0, W), dice.uniform(40, HORIZON * 0.72), dice.uniform(120, 330)
        for _ in range(14):
            at = dice.uniform(-1, 1)
            height = (1 - abs(at)) * 24 + 4
            pen.round(
                x + at * length, y + dice.uniform(-6, 6), length / 4, height, mix(palette.sky[2], palette.glow, 0.4), 46
            )
    return pen.done(0.1, blur=9)


def hills(palette: Palette, dice: random.Random) -> list[Plane]:
    """Ridges behind each other, trees on the nearest."""
    planes = []
    for step, nearness in enumerate((0.12, 0.3, 0.52, 0.8)):
        pen = Pen()
        base, rise = HORIZON - 96 + step * 62, 108 - step * 20
        line = ridge(dice, base, rise)
        pen.polygon([*line, (W, H), (0, H)], palette.plane(nearness))
        if step >= 2:
            for x, y in line[:: 2 + step]:
                if dice.random() < 0.55:
                    _tree(pen, x, y + 6, dice.uniform(28, 64) * nearness * 1.5, palette.plane(min(1, nearness + 0.12)))
        planes.append(pen.done(nearness, rim=palette.glow if step == 1 else None))
    return planes


def ridge(dice: random.Random, base: float, rise: float) -> list[tuple[float, float]]:
    """The upper edge of a row of hills, from left to right."""
    waves = [(dice.uniform(0, 6.3), length, size) for length, size in ((620, 1.0), (270, 0.45), (96, 0.16))]
    return [
        (x, base - sum(math.sin(x / length + at) * size * rise / 2 for at, length, size in waves))
        for x in range(0, W + 13, 12)
    ]


def _tree(pen: Pen, x: float, y: float, height: float, colour: Colour) -> None:
    pen.box(x - height * 0.04, y - height * 0.3, x + height * 0.04, y, colour)
    for share in (0.25, 0.5, 0.75):
        half = height * 0.26 * (1.15 - share)
        pen.polygon(
            (
                (x - half, y - height * share + height * 0.06),
                (x, y - height * (share + 0.34)),
                (x + half, y - height * share + height * 0.06),
            ),
            colour,
        )


def street(mood: Mood, palette: Palette, dice: random.Random) -> list[Plane]:
    """Houses in three rows, with a wet street before them or, from above, only their roofs."""
    planes = []
    roofs = mood.place == "roofs"
    for step, nearness in enumerate((0.16, 0.4, 0.66)):
        pen, x = Pen(), -dice.uniform(0, 80)
        ground = HORIZON + (70 + step * 70 if roofs else 12 + step * 14)
        while x < W:
            wide, tall = (
                dice.uniform(64, 140) * (0.7 + nearness),
                dice.uniform(110, 250) * (1.15 - nearness * (0.9 if roofs else 0.1)),
            )
            _house(
                pen,
                x,
                ground,
                wide,
                tall,
                palette.plane(nearness),
                palette,
                dice,
                lit=0.45 if mood.light != "day" else 0.1,
            )
            x += wide + (0 if step < 2 or roofs else dice.choice((0, 0, 90, 180)))
        pen.box(0, ground, W, H, palette.plane(nearness))
        planes.append(pen.done(nearness, rim=palette.glow if step < 2 else None))
    if not roofs:
        planes.append(_road(palette, dice))
    return planes


def _house(
    pen: Pen,
    x: float,
    ground: float,
    wide: float,
    tall: float,
    colour: Colour,
    palette: Palette,
    dice: random.Random,
    *,
    lit: float,
) -> None:
    top, peak = ground - tall, dice.uniform(18, 64)
    shape = dice.choice(("gable", "gable", "step", "flat"))
    pen.box(x, top, x + wide, ground + 4, colour)
    if shape == "gable":
        pen.polygon(((x - 5, top + 1), (x + wide / 2, top - peak), (x + wide + 5, top + 1)), colour)
    elif shape == "step":
        pen.polygon(((x, top + 1), (x, top - peak), (x + wide * 0.6, top - peak * 0.4), (x + wide, top + 1)), colour)
    chimney = x + wide * dice.uniform(0.15, 0.7)
    pen.box(chimney, top - peak - 6, chimney + 13, top + 8, colour)
    across, dark = max(2, round(wide / 38)), mix(colour, palette.near, 0.45)
    for row in range(round(tall / 48)):
        for column in range(across):
            left, upper = x + (column + 0.5) * wide / across - 8, top + 16 + row * 48
            shines = dice.random() < lit
            pen.box(left, upper, left + 16, upper + 23, palette.window if shines else dark, 255 if shines else 170)
            if shines:
                pen.line(((left + 8, upper), (left + 8, upper + 23)), colour, 1.2)


def _road(palette: Palette, dice: random.Random) -> Plane:
    pen = Pen()
    pen.box(0, HORIZON + 44, W, H, mix(palette.near, palette.sky[1], 0.16))
    for _ in range(90):
        y = dice.uniform(HORIZON + 50, H)
        x, half = dice.uniform(0, W), dice.uniform(8, 70) * (y - HORIZON) / 160
        pen.box(x - half, y, x + half, y + 1.6, dice.choice((palette.window, palette.sky[2])), dice.randint(18, 70))
    for x in range(110, W, 390):
        post = x + dice.uniform(-40, 40)
        pen.box(post - 3, HORIZON - 132, post + 3, HORIZON + 58, palette.near)
        pen.round(post, HORIZON - 140, 9, 12, palette.window)
    return pen.done(0.72)


def sea(palette: Palette, dice: random.Random) -> list[Plane]:
    """Water to the horizon, what light is on it, and a boat."""
    far, water, near = Pen(), Pen(), Pen()
    far.polygon([*ridge(dice, HORIZON - 22, 46), (W, HORIZON + 20), (0, HORIZON + 20)], palette.plane(0.2))
    water.box(0, HORIZON, W, H, mix(palette.sky[2], palette.near, 0.45))
    for _ in range(230):
        y = HORIZON + (dice.random() ** 1.7) * (H - HORIZON)
        depth = (y - HORIZON) / (H - HORIZON)
        x, half = dice.gauss(W / 2, W / 4), dice.uniform(6, 60) * (0.3 + depth)
        water.box(
            x - half, y, x + half, y + 1 + depth * 2, dice.choice((palette.glow, palette.sky[1], palette.near)), 60
        )
    x, y = dice.uniform(0.25, 0.7) * W, HORIZON + 92
    near.polygon(((x - 120, y - 26), (x + 128, y - 32), (x + 96, y + 14), (x - 92, y + 14)), palette.near)
    near.box(x - 40, y - 62, x + 30, y - 26, palette.plane(0.85))
    near.line(((x + 4, y - 60), (x + 4, y - 176)), palette.near, 4)
    near.polygon(((x + 8, y - 172), (x + 8, y - 68), (x + 84, y - 76)), palette.plane(0.6))
    near.box(x - 28, y - 54, x - 14, y - 40, palette.window)
    pier = Pen()
    pier.box(0, HORIZON + 104, W, HORIZON + 124, palette.near)
    for post in range(40, W, 130):
        pier.box(post, HORIZON + 84, post + 14, H, palette.near)
    planes = [far.done(0.14), water.done(0.3), near.done(0.6, rim=palette.glow)]
    return [*planes, pier.done(0.76, rim=palette.glow)]
