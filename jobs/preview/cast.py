"""Who and what is seen: figures as silhouettes with a hat, a coat or an umbrella of their own, and things close up."""

from __future__ import annotations

import random
from collections.abc import Sequence

from .palette import Palette, mix
from .plane import FULL, HORIZON, Pen, Plane
from .subject import Mood, Subject

W, H = FULL
# How tall a figure is, and where its feet are: below the frame when it is near.
_SIZES = {"wide": (150.0, HORIZON + 112.0), "medium": (560.0, H + 150.0), "close": (1080.0, H + 580.0)}
_MOST = {"wide": 3, "medium": 2, "close": 1}
_THINGS = {
    "jar": "jar drip water glass drop rain candle steam ink puddle rubber",
    "letter": "letter paper print page photo card receipt ledger envelope board shirt number book map chart bill list",
    "key": "key lock needle blade match silk rib spire chain ruler pen heel screw hand",
    "lens": "lens eye screen camera plate lamp dial button ring clock detector sensor sign cat",
}


def cast_of(subject: Subject, mood: Mood, palette: Palette) -> list[Plane]:
    """The planes of those who are seen; of an insert, the thing."""
    if mood.framing == "insert":
        return [_thing(_kind_of(subject), subject.dice("thing"), palette)]
    if mood.place == "space" and subject.object != "character":
        return []
    names = (subject.cast or (subject.name,))[: _MOST[mood.framing]]
    tall, feet = _SIZES[mood.framing]
    pen, dice = Pen(), subject.dice("blocking")
    for index, name in enumerate(names):
        x = W * ((index + 1) / (len(names) + 1) + dice.uniform(-0.1, 0.1))
        _figure(
            pen, name, x, feet, tall, palette, umbrella=mood.weather in ("rain", "storm") and mood.framing != "close"
        )
    nearness = {"wide": 0.78, "medium": 0.9, "close": 1.0}[mood.framing]
    return [pen.done(nearness, rim=palette.glow, lift=2 if mood.framing == "wide" else 5)]


def _figure(pen: Pen, name: str, x: float, feet: float, tall: float, palette: Palette, *, umbrella: bool) -> None:
    """One silhouette; who it is decides how it looks, in every picture alike."""
    own = random.Random(name)  # noqa: S311 - a hat is no secret
    tall *= own.uniform(0.86, 1.06)
    head, lean, wide = tall * 0.072, own.uniform(-0.03, 0.03) * tall, tall * own.uniform(0.105, 0.15)
    dark = mix(palette.near, palette.plane(0.5), 0.12)
    neck, shoulder, hip = feet - tall + head * 2.1, feet - tall * 0.8, feet - tall * 0.44
    flare = wide * own.uniform(1.0, 1.55)
    for side in (-1, 1):
        pen.polygon(
            (
                (x + side * wide * 0.1, hip),
                (x + side * wide * 0.75, hip),
                (x + side * wide * 0.55, feet),
                (x + side * wide * 0.16, feet),
            ),
            dark,
        )
        _arm(pen, x + lean, shoulder, side, wide, tall, own, dark)
    pen.polygon(
        (
            (x + lean - wide * 0.86, shoulder),
            (x + lean - wide * 0.3, neck),
            (x + lean + wide * 0.3, neck),
            (x + lean + wide * 0.86, shoulder),
            (x + flare, hip + tall * 0.12),
            (x - flare, hip + tall * 0.12),
        ),
        dark,
    )
    pen.round(x + lean, shoulder + wide * 0.2, wide * 0.9, wide * 0.34, dark)
    if own.random() < 0.4:
        pen.polygon(
            (
                (x + lean - wide * 0.5, neck + head * 0.2),
                (x + lean + wide * 0.5, neck + head * 0.1),
                (x + lean + wide * 0.34, neck + head * 0.8),
                (x + lean - wide * 0.4, neck + head * 0.9),
            ),
            palette.accent,
        )
    pen.round(x + lean, neck - head * 0.75, head * 0.86, head * 1.06, dark)
    _hat(pen, own, x + lean, neck - head * 1.2, head, palette)
    if umbrella and own.random() < 0.6:
        _umbrella(pen, x + lean + wide * 1.1, neck - head * 2.4, tall, palette, own)


def _arm(
    pen: Pen,
    x: float,
    shoulder: float,
    side: int,
    wide: float,
    tall: float,
    own: random.Random,
    dark: tuple[int, int, int],
) -> None:
    elbow = (x + side * wide * own.uniform(0.95, 1.35), shoulder + tall * 0.19)
    hand = (elbow[0] - side * wide * own.uniform(-0.3, 0.7), elbow[1] + tall * own.uniform(0.06, 0.17))
    pen.line(((x + side * wide * 0.72, shoulder + wide * 0.14), elbow, hand), dark, tall * 0.046)
    pen.round(*hand, tall * 0.026, tall * 0.026, dark)


def _hat(pen: Pen, own: random.Random, x: float, y: float, head: float, palette: Palette) -> None:
    colour = palette.near
    kind = own.choice(("brim", "cap", "bun", "tall", "none", "hair"))
    if kind in ("brim", "tall"):
        crown = head * (1.0 if kind == "brim" else 1.9)
        pen.round(x, y, head * 1.7, head * 0.26, colour)
        pen.box(x - head * 0.82, y - crown, x + head * 0.82, y, colour)
        pen.box(x - head * 0.82, y - head * 0.34, x + head * 0.82, y - head * 0.12, palette.accent)
    elif kind == "cap":
        pen.round(x, y, head * 0.98, head * 0.6, colour)
        pen.box(x, y - head * 0.06, x + head * 1.5, y + head * 0.12, colour)
    elif kind == "bun":
        pen.round(x, y - head * 0.72, head * 0.46, head * 0.46, colour)
    elif kind == "hair":
        pen.round(x - head * 0.2, y + head * 0.7, head * 1.12, head * 1.3, colour)


def _umbrella(pen: Pen, x: float, y: float, tall: float, palette: Palette, own: random.Random) -> None:
    half, colour = tall * 0.27, palette.accent if own.random() < 0.5 else palette.plane(0.7)
    pen.line(((x, y), (x, y + tall * 0.42)), palette.near, tall * 0.012)
    arc = [
        (x + half * (step / 10 - 1), y + tall * 0.02 - tall * 0.13 * (1 - (step / 10 - 1) ** 2)) for step in range(21)
    ]
    scallops = [(x + half * (1 - step / 8), y + tall * 0.02 - (step % 2) * tall * 0.022) for step in range(17)]
    pen.polygon([*arc, *scallops], colour)


def _kind_of(subject: Subject) -> str:
    words = subject.name.lower()
    for kind, hints in _THINGS.items():
        if any(hint in words for hint in hints.split()):
            return kind
    return subject.dice("kind").choice(list(_THINGS))


def _thing(kind: str, dice: random.Random, palette: Palette) -> Plane:
    """A thing on a table, near enough to touch."""
    pen, x, y = Pen(), W * dice.uniform(0.42, 0.58), H * 0.72
    pen.polygon(((-10, H * 0.62), (W + 10, H * 0.58), (W + 10, H), (-10, H)), palette.near)
    pen.round(x, y + 10, 300, 46, palette.glow, 46)
    body = mix(palette.plane(0.6), palette.glow, 0.2)
    if kind == "jar":
        pen.box(x - 96, y - 250, x + 96, y, body, 190)
        pen.box(x - 96, y - dice.uniform(90, 190), x + 96, y, palette.sky[1], 200)
        pen.round(x, y - 250, 96, 20, mix(body, palette.glow, 0.5))
        pen.box(x - 78, y - 230, x - 62, y - 26, palette.glow, 130)
    elif kind == "letter":
        pen.polygon(
            ((x - 210, y - 40), (x + 150, y - 130), (x + 230, y + 30), (x - 140, y + 86)),
            mix(palette.glow, palette.far, 0.15),
        )
        for line in range(5):
            pen.line(
                ((x - 130 + line * 8, y - 30 + line * 20), (x + 110 + line * 14, y - 92 + line * 22)),
                palette.near,
                3,
                150,
            )
        pen.round(x + 150, y + 8, 24, 18, palette.accent)
    elif kind == "key":
        pen.round(x - 130, y - 30, 66, 50, body)
        pen.round(x - 130, y - 30, 36, 26, palette.near)
        pen.line(((x - 66, y - 30), (x + 190, y - 70)), body, 20)
        for tooth in (110, 150, 186):
            pen.line(((x + tooth, y - 58 - tooth * 0.06), (x + tooth + 8, y - 14)), body, 15)
    else:
        for ring, colour in (
            (170, palette.near),
            (150, body),
            (118, palette.plane(0.8)),
            (84, palette.sky[1]),
            (40, palette.near),
        ):
            pen.round(x, y - 120, ring, ring, colour)
        pen.round(x - 44, y - 170, 26, 18, palette.glow, 210)
    return pen.done(0.95, rim=palette.glow, lift=4)


def names_in(text: str, characters: Sequence[str]) -> tuple[str, ...]:
    """The characters that a text names, by their whole name or its first word, in the order in which they come."""
    found: dict[str, int] = {}
    for name in characters:
        for part in (name, name.split(",")[0], name.split(" ")[0]):
            if len(part) > 2 and part.lower() not in ("the", "old", "lieutenant", "patrolman") and part in text:
                found.setdefault(name, text.index(part))
    return tuple(sorted(found, key=lambda name: found[name]))
