"""Colours by light, weather and place, and the two operations on them that drawing needs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .subject import Mood

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one picture.

    Attributes:
        sky: from the zenith to the horizon.
        far, near: of the planes, between which distance decides.
        glow: of the sun, the moon or the lamp.
        window: of what is lit within.
        accent: of the one thing that catches the eye.
    """

    sky: tuple[Colour, Colour, Colour]
    far: Colour
    near: Colour
    glow: Colour
    window: Colour
    accent: Colour

    def plane(self, nearness: float) -> Colour:
        """The colour at a distance: 0 at the horizon, 1 before the lens."""
        return mix(self.far, self.near, nearness)


def _hex(text: str) -> Colour:
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


def _palette(words: str) -> Palette:
    top, middle, horizon, far, near, glow, window, accent = (_hex(word) for word in words.split())
    return Palette((top, middle, horizon), far, near, glow, window, accent)


_LIGHTS = {
    "day": _palette("3d7ea6 8fbdd0 efe4c8 9db5b4 24393d fff6dc f6e7b8 d9532c"),
    "dawn": _palette("33416f b5718a ffc592 987a94 2a2440 ffe1b0 ffd58a e0603f"),
    "dusk": _palette("1f2150 7d4470 ff9c63 74506f 1b1730 ffd09a ffc56e f2643d"),
    "night": _palette("070c1e 13264c 3a5c86 27405f 060a16 dfeaff ffcf7a e5533d"),
}
_INK = _palette("08080a 1d1d20 d8d2c4 8b877c 050506 f4efe2 f4efe2 c4122f")
_SPACE = _palette("03040b 0a1026 1b2c55 24375c 04060e cfe0ff ffd9a0 e8663c")
_MOON = _palette("3a2b2c a3684a f2bd8a b37a55 2b1a18 fff0d2 ffe3a6 58b4c9")
_ROOM = {
    "day": _palette("7d6a55 a88b67 d9bd8c 9b7d5b 2a1f19 fff3cf fff0c4 c9482f"),
    "dawn": _palette("5d4c58 9b6f68 e5ad84 8f6a62 261b22 ffe2b4 ffe0ae d2573a"),
    "dusk": _palette("3d2c3c 7a4b4c d18a5c 70474a 1c1218 ffcf92 ffcd88 e2613b"),
    "night": _palette("15131f 2c2431 6b4a3d 3c2d33 0a080d ffd08a ffc977 dd5a38"),
}
_GREY: Colour = (86, 100, 116)


def palette_of(mood: Mood) -> Palette:
    """The colours of a mood."""
    if mood.ink:
        return _INK
    if mood.place == "space":
        return _SPACE
    if mood.place == "moon":
        return _MOON
    chosen = (_ROOM if mood.place in ("room", "stage") else _LIGHTS)[mood.light]
    dull = {"rain": 0.42, "storm": 0.6, "fog": 0.35, "snow": 0.25}.get(mood.weather, 0.0)
    if mood.place in ("room", "stage"):
        dull /= 4
    sky = tuple(mix(colour, _GREY if mood.light != "night" else (30, 42, 62), dull) for colour in chosen.sky)
    return replace(chosen, sky=(sky[0], sky[1], sky[2]), far=mix(chosen.far, _GREY, dull * 0.7))


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`share` of b, the rest of a."""
    return (
        round(a[0] + (b[0] - a[0]) * share),
        round(a[1] + (b[1] - a[1]) * share),
        round(a[2] + (b[2] - a[2]) * share),
    )
