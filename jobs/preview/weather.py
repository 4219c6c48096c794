"""What falls or hangs in the air, at a moment of a loop, and what the lens adds."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from .palette import Palette
from .subject import Subject

Air = Callable[[float], Image.Image]  # at a share of the loop


def air(subject: Subject, weather: str, palette: Palette, size: tuple[int, int], *, indoors: bool) -> Air | None:
    """What is to be laid over a frame of this size at a share of the loop; None where the air is clear."""
    wide, tall = size
    dice = subject.dice("air")
    if weather == "clear" or (indoors and weather != "fog"):
        return None
    if weather == "fog":
        return _fog(dice, palette, size)
    drops = [(dice.uniform(0, wide), dice.uniform(0, tall), dice.uniform(0.5, 1.0)) for _ in range(wide // 3)]

    def falling(share: float) -> Image.Image:
        image = Image.new("RGBA", size, (*palette.glow, 0))
        draw = ImageDraw.Draw(image)
        for x, y, depth in drops:
            # Whole heights in a loop, so that its end fits its beginning.
            down = (y + share * tall * (1 if weather == "snow" else 3)) % tall
            if weather == "snow":
                radius, left = depth * wide / 480, (x + _sway(share, y, wide)) % wide
                draw.ellipse((left - radius, down - radius, left + radius, down + radius), (*palette.glow, 200))
            else:
                length = depth * tall / 14
                tail = (x + length * 0.22, down - length)
                draw.line(((x, down), tail), (*palette.glow, round(105 * depth)), max(1, round(wide / 900)))
        return image

    return falling


def _sway(share: float, y: float, wide: int) -> float:
    """How far a flake has drifted sideways: back where it was when the loop ends."""
    return math.sin(share * 2 * math.pi + y / 40) * wide / 90


def _fog(dice: random.Random, palette: Palette, size: tuple[int, int]) -> Air:
    wide, tall = size
    shape = Image.new("L", (wide // 4, tall // 4))
    draw = ImageDraw.Draw(shape)
    for _ in range(16):
        x, y = dice.uniform(0, wide / 4), dice.uniform(tall / 10, tall / 4)
        draw.ellipse((x - wide / 9, y - tall / 34, x + wide / 9, y + tall / 34), dice.randint(40, 110))
    bank = shape.filter(ImageFilter.GaussianBlur(wide / 90)).resize(size)

    def drifting(share: float) -> Image.Image:
        image = Image.new("RGBA", size, (*palette.sky[2], 0))
        image.putalpha(ImageChops.offset(bank, round(share * wide), 0))
        return image

    return drifting


def lens(frame: Image.Image, grain: random.Random | None) -> Image.Image:
    """Darker corners and, in a still, the grain of its stock."""
    wide, tall = frame.size
    corners = Image.radial_gradient("L").resize(frame.size).point(lambda value: max(0, value - 110) * 9 // 10)
    dark = Image.new("RGB", frame.size, (0, 0, 0))
    frame = Image.composite(dark, frame, corners)
    if grain is None:
        return frame
    noise = Image.frombytes("L", (wide // 2, tall // 2), grain.randbytes((wide // 2) * (tall // 2))).resize(frame.size)
    return Image.blend(frame, ImageChops.soft_light(frame, Image.merge("RGB", (noise,) * 3)), 0.16)
