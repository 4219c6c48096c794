"""Planes: what stands at one distance from the lens, drawn larger than the frame so that the camera may move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from .palette import Colour

WIDTH, HEIGHT = 1280, 648  # of the frame, in pixels
MARGIN_X, MARGIN_Y = 80, 40  # of a plane around the frame
FULL = (WIDTH + 2 * MARGIN_X, HEIGHT + 2 * MARGIN_Y)
HORIZON = MARGIN_Y + round(HEIGHT * 0.66)
_FINE = 2  # drawn so many times larger: Pillow's shapes have hard edges

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Plane:
    """An image, and how much of the camera's movement it follows: 0 at the horizon, 1 before the lens."""

    image: Image.Image
    nearness: float


class Pen:
    """Draws on one plane, in pixels of the plane."""

    def __init__(self) -> None:
        self.image = Image.new("RGBA", (FULL[0] * _FINE, FULL[1] * _FINE))
        self._draw = ImageDraw.Draw(self.image)

    def polygon(self, points: Points, colour: Colour, alpha: int = 255) -> None:
        self._draw.polygon([(x * _FINE, y * _FINE) for x, y in points], (*colour, alpha))

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour, alpha: int = 255) -> None:
        corners = (left * _FINE, top * _FINE, max(left, right) * _FINE, max(top, bottom) * _FINE)
        self._draw.rectangle(corners, (*colour, alpha))

    def round(self, x: float, y: float, rx: float, ry: float, colour: Colour, alpha: int = 255) -> None:
        corners = ((x - rx) * _FINE, (y - ry) * _FINE, (x + rx) * _FINE, (y + ry) * _FINE)
        self._draw.ellipse(corners, (*colour, alpha))

    def line(self, points: Points, colour: Colour, width: float = 1, alpha: int = 255) -> None:
        scaled = [(x * _FINE, y * _FINE) for x, y in points]
        self._draw.line(scaled, (*colour, alpha), max(1, round(width * _FINE)), joint="curve")

    def done(self, nearness: float, *, rim: Colour | None = None, blur: float = 0, lift: int = 2) -> Plane:
        """The plane. `rim`: the colour of light from behind, at the upper edges of what was drawn."""
        image = self.image.reduce(_FINE)
        if rim is not None:
            shape = image.getchannel("A")
            edge = ImageChops.subtract(shape, ImageChops.offset(shape, lift, lift + 1))
            lit = Image.new("RGBA", image.size, (*rim, 0))
            lit.putalpha(edge.filter(ImageFilter.GaussianBlur(0.8)).point(lambda value: value * 7 // 10))
            image.alpha_composite(lit)
        return Plane(image.filter(ImageFilter.GaussianBlur(blur)) if blur else image, nearness)


def gradient(stops: Sequence[tuple[float, Colour]]) -> Image.Image:
    """Colours from the top to the bottom of a plane; each stop a share of the height and its colour."""
    column = Image.new("RGB", (1, FULL[1]))
    for y in range(FULL[1]):
        share = y / FULL[1]
        after = next((index for index, (at, _) in enumerate(stops) if at >= share), len(stops) - 1)
        (low, a), (high, b) = stops[max(0, after - 1)], stops[after]
        part = 0.0 if high == low else min(1.0, max(0.0, (share - low) / (high - low)))
        column.putpixel((0, y), tuple(round(p + (q - p) * part) for p, q in zip(a, b, strict=True)))
    return column.resize(FULL).convert("RGBA")


def glow(x: float, y: float, radius: float, colour: Colour, strength: int = 150) -> Image.Image:
    """Light around a point, as an image to lay over others."""
    disc = Image.radial_gradient("L").point(lambda value: max(0, 255 - value * 2) ** 2 // 255 * strength // 255)
    spot = disc.resize((round(radius * 2), round(radius * 2)))
    shape = Image.new("L", FULL)
    shape.paste(spot, (round(x - radius), round(y - radius)))
    lit = Image.new("RGBA", FULL, (*colour, 0))
    lit.putalpha(shape)
    return lit
