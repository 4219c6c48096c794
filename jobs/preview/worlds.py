"""Sets that are not under our sky: rooms, stages, other worlds, and the space between them."""

from __future__ import annotations

import random

from PIL import Image

from .outdoors import ridge
from .palette import Palette, mix
from .plane import FULL, HORIZON, Pen, Plane, glow, gradient
from .subject import Mood

W, H = FULL


def room(mood: Mood, palette: Palette, dice: random.Random) -> list[Plane]:
    """A wall with a window, shelves and a lamp; a floor; a table before it."""
    top, middle, horizon = palette.sky
    image = gradient(((0.0, top), (0.6, middle), (0.74, horizon), (0.745, palette.plane(0.45)), (1.0, palette.near)))
    wall, things, table = Pen(), Pen(), Pen()
    x, wide = dice.uniform(0.14, 0.62) * W, dice.uniform(190, 290)
    light = {"day": (214, 232, 240), "dawn": (255, 206, 160), "dusk": (255, 168, 110), "night": (70, 96, 146)}[
        mood.light
    ]
    wall.box(x - 10, 92, x + wide + 10, 380, palette.plane(0.75))
    wall.box(x, 102, x + wide, 370, palette.glow if mood.ink else light)
    for share in (0.34, 0.67):
        wall.box(x + wide * share - 3, 102, x + wide * share + 3, 370, palette.plane(0.75))
    wall.box(x, 226, x + wide, 232, palette.plane(0.75))
    shaft = Pen()
    slope = dice.choice((-1, 1)) * 190
    shaft.polygon(((x, 102), (x + wide, 102), (x + wide + slope + 110, H), (x + slope - 30, H)), palette.glow, 46)
    image.alpha_composite(glow(x + wide / 2, 240, 420, palette.glow, 120))
    for row in range(3):
        left = x + wide + 70 if x < W / 2 else x - 420
        _shelf(things, left, 150 + row * 96, 330, palette, dice)
    lamp = dice.uniform(0.35, 0.65) * W
    things.line(((lamp, 0), (lamp, 118)), palette.near, 3)
    things.polygon(((lamp - 52, 156), (lamp - 18, 116), (lamp + 18, 116), (lamp + 52, 156)), palette.near)
    things.round(lamp, 158, 15, 9, palette.window)
    table.box(-20, H - 96, W, H, palette.near)
    table.box(-20, H - 96, W, H - 91, palette.glow, 90)
    for _ in range(7):
        _pot(table, dice.uniform(0.05, 0.95) * W, H - 95, dice.uniform(26, 58), palette, dice)
    back = Plane(image, 0.0)
    lit = Plane(glow(lamp, 170, 300, palette.window, 150), 0.35)
    return [
        back,
        wall.done(0.1),
        shaft.done(0.2, blur=16),
        things.done(0.3),
        lit,
        table.done(0.85, rim=palette.glow, blur=1.2),
    ]


def _shelf(pen: Pen, x: float, y: float, wide: float, palette: Palette, dice: random.Random) -> None:
    pen.box(x, y, x + wide, y + 8, palette.near)
    at = x + 8.0
    while at < x + wide - 34:
        size = dice.uniform(10, 32)
        if dice.random() < 0.5:
            _pot(pen, at + size / 2, y, size * 1.5, palette, dice)
        else:
            pen.box(at, y - dice.uniform(30, 62), at + size * 0.5, y, palette.plane(dice.uniform(0.35, 0.95)))
        at += size + 7


def _pot(pen: Pen, x: float, y: float, tall: float, palette: Palette, dice: random.Random) -> None:
    colour = palette.accent if dice.random() < 0.1 else palette.plane(dice.uniform(0.55, 0.95))
    half = tall * 0.32
    pen.box(x - half, y - tall * 0.8, x + half, y, colour)
    pen.round(x, y - tall * 0.8, half, tall * 0.12, mix(colour, palette.glow, 0.3))
    pen.box(x - half * 0.7, y - tall * 0.7, x - half * 0.4, y - tall * 0.15, palette.glow, 90)


def stage(palette: Palette, dice: random.Random) -> list[Plane]:
    """Boards between curtains, under a light."""
    top, middle, _ = palette.sky
    image = gradient(
        ((0.0, palette.near), (0.6, mix(top, middle, 0.5)), (0.72, palette.plane(0.5)), (1.0, palette.near))
    )
    x = dice.uniform(0.4, 0.6) * W
    beam, boards, curtain = Pen(), Pen(), Pen()
    beam.polygon(((x - 20, -10), (x + 20, -10), (x + 250, HORIZON + 80), (x - 250, HORIZON + 80)), palette.glow, 84)
    boards.round(x, HORIZON + 84, 262, 42, palette.glow, 150)
    for line in range(9):
        boards.line(((W / 2 + (line - 4) * 120, HORIZON + 20), (W / 2 + (line - 4) * 330, H)), palette.near, 2, 120)
    for side in (0, 1):
        for fold in range(8):
            left = fold * 38 if side == 0 else W - (fold + 1) * 38
            curtain.box(left, -10, left + 38, H, mix(palette.accent, palette.near, 0.25 + 0.5 * (fold % 2)))
            curtain.box(left + 8, -10, left + 12, H, palette.glow, 22)
    for fold in range(W // 92 + 1):
        curtain.round(fold * 92, 26, 56, 62, mix(palette.accent, palette.near, 0.35 + 0.3 * (fold % 2)))
    return [Plane(image, 0.0), boards.done(0.3, blur=2), beam.done(0.4, blur=12), curtain.done(0.9)]


def moon(palette: Palette, dice: random.Random) -> list[Plane]:
    """The ground of another world: a far planet over it, craters and stones."""
    disc, planes = Pen(), []
    x, size = dice.uniform(0.2, 0.8) * W, dice.uniform(70, 150)
    disc.round(x, 170, size, size, mix(palette.sky[2], palette.glow, 0.5), 210)
    disc.round(x + size * 0.3, 156, size * 0.96, size * 0.96, palette.sky[1], 150)
    planes.append(disc.done(0.05))
    for step, nearness in enumerate((0.15, 0.4, 0.75)):
        pen = Pen()
        base = HORIZON - 30 + step * 64
        pen.polygon([*ridge(dice, base, 84 - step * 22), (W, H), (0, H)], palette.plane(nearness))
        for _ in range(9 + step * 9):
            at, y, half = dice.uniform(0, W), dice.uniform(base + 34, H), dice.uniform(8, 40) * (0.4 + nearness)
            pen.round(at, y, half, half * 0.24, mix(palette.plane(nearness), palette.near, 0.4), 150)
            pen.round(at + 2, y + 2, half * 0.9, half * 0.18, mix(palette.plane(nearness), palette.glow, 0.18), 150)
        planes.append(pen.done(nearness, rim=palette.glow if step else None))
    return planes


def space(palette: Palette, dice: random.Random) -> list[Plane]:
    """A planet's limb and a craft before it."""
    globe, craft = Pen(), Pen()
    x, y, radius = dice.uniform(0.1, 0.9) * W, H * dice.uniform(1.15, 1.4), dice.uniform(460, 620)
    hue = dice.choice(((92, 140, 190), (196, 132, 84), (150, 160, 176), (88, 150, 140)))
    globe.round(x, y, radius, radius, hue)
    for _ in range(26):
        at = dice.uniform(-0.95, 0.7)
        half = radius * (1 - at * at) ** 0.5
        across, middle = half * dice.uniform(0.2, 0.8), x + half * dice.uniform(-0.2, 0.2)
        globe.round(middle, y + at * radius, across, dice.uniform(2, 10), mix(hue, (255, 255, 255), 0.35), 46)
    shade = Pen()
    shade.round(x + radius * 0.36, y + radius * 0.2, radius * 1.12, radius * 1.12, palette.near, 205)
    planet = globe.done(0.1, blur=1.6)
    night = shade.done(0.1, blur=26).image
    night.putalpha(Image.composite(night.getchannel("A"), Image.new("L", FULL), planet.image.getchannel("A")))
    planet.image.alpha_composite(night)
    _craft(craft, dice.uniform(0.3, 0.7) * W, H * 0.4, dice.uniform(0.9, 1.3), palette)
    return [Plane(glow(x, y, radius * 1.34, hue, 230), 0.08), planet, craft.done(0.6, rim=palette.glow, lift=3)]


def _craft(pen: Pen, x: float, y: float, size: float, palette: Palette) -> None:
    body, panel = mix(palette.near, palette.glow, 0.32), mix(palette.near, (70, 110, 190), 0.55)
    pen.line(((x - 250 * size, y - 40 * size), (x + 250 * size, y + 40 * size)), body, 5 * size)
    for side in (-1, 1):
        for cell in range(4):
            left, lean = x + side * (74 + cell * 46) * size, side * (74 + cell * 46) * size * 0.16
            pen.polygon(
                (
                    (left - 20 * size, y + lean - 52 * size),
                    (left + 20 * size, y + lean - 46 * size),
                    (left + 20 * size, y + lean + 52 * size),
                    (left - 20 * size, y + lean + 46 * size),
                ),
                panel,
            )
            pen.line(((left - 20 * size, y + lean), (left + 20 * size, y + lean + 4)), palette.glow, 1, 120)
    pen.polygon(
        (
            (x - 38 * size, y - 34 * size),
            (x + 34 * size, y - 42 * size),
            (x + 44 * size, y + 30 * size),
            (x - 32 * size, y + 40 * size),
        ),
        body,
    )
    pen.box(x - 30 * size, y - 10 * size, x + 36 * size, y - 4 * size, palette.accent, 220)
    pen.round(x + 4 * size, y - 74 * size, 52 * size, 20 * size, mix(body, palette.glow, 0.5))
    pen.line(((x + 4 * size, y - 40 * size), (x + 4 * size, y - 104 * size)), body, 3 * size)
