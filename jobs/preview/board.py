"""The board: planes seen by a camera, a strip that says what it is, and the files that come of it."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from . import outdoors, worlds
from .cast import cast_of
from .palette import Palette, palette_of
from .plane import FULL, HEIGHT, MARGIN_X, MARGIN_Y, WIDTH, Plane
from .subject import Mood, Subject
from .weather import air, lens

STRIP = 72  # pixels of the strip below the frame
FRAME_MS = 83
MOVING = (640, 324)
THUMBNAIL = 320
_PAPER, _QUIET, _DESK = (240, 238, 232), (150, 154, 162), (17, 19, 24)


@dataclass(frozen=True, slots=True)
class Preview:
    """The files of a preview: a picture of 1280 × 720 (PNG), a loop (WebP), a small picture (WebP)."""

    picture: bytes
    moving: bytes
    thumbnail: bytes


def render(subject: Subject) -> Preview:
    """Draw a subject."""
    mood = subject.mood()
    palette = palette_of(mood)
    planes = _planes(subject, mood, palette)
    still = _still(subject, mood, palette, planes)
    small = still.crop((0, 0, WIDTH, HEIGHT)).resize((THUMBNAIL, THUMBNAIL * 9 // 16), Image.Resampling.LANCZOS)
    board = Image.new("RGB", (WIDTH, HEIGHT + STRIP), _DESK)
    board.paste(still, (0, 0))
    _strip(board, subject, mood, palette)
    return Preview(
        picture=_file(board, "PNG", optimize=False, compress_level=6),
        moving=_moving(subject, mood, palette, planes),
        thumbnail=_file(small, "WEBP", quality=82),
    )


def _planes(subject: Subject, mood: Mood, palette: Palette) -> list[Plane]:
    dice = subject.dice("set")
    if mood.place == "room":
        stage = worlds.room(mood, palette, dice)
    elif mood.place == "stage":
        stage = worlds.stage(palette, dice)
    else:
        made = {
            "hills": lambda: outdoors.hills(palette, dice),
            "street": lambda: outdoors.street(mood, palette, dice),
            "roofs": lambda: outdoors.street(mood, palette, dice),
            "sea": lambda: outdoors.sea(palette, dice),
            "moon": lambda: worlds.moon(palette, dice),
            "space": lambda: worlds.space(palette, dice),
        }
        stage = [*outdoors.sky(mood, palette, dice), *made[mood.place]()]
    soft = {"insert": 7, "close": 3}.get(mood.framing, 0)  # the nearer the subject, the softer what is behind it
    behind = [
        replace(plane, image=plane.image.filter(ImageFilter.GaussianBlur(soft))) if soft else plane for plane in stage
    ]
    return sorted([*behind, *cast_of(subject, mood, palette)], key=lambda plane: plane.nearness)


def _camera(mood: Mood, share: float) -> tuple[float, float, float]:
    """Where the camera is at a share of the loop: right and down from the middle (-1 to 1), and how near."""
    swing = math.sin(share * 2 * math.pi)
    if mood.move == "push":
        return 0.0, 0.0, 0.5 - 0.5 * math.cos(share * 2 * math.pi)
    return (
        (0.25 * swing, swing, 0.0)
        if mood.move == "crane"
        else ((0.3 if mood.move == "hold" else 1.0) * swing, 0.0, 0.0)
    )


def _seen(planes: list[Plane], camera: tuple[float, float, float], size: tuple[int, int]) -> Image.Image:
    """What a camera sees of planes, which may have been made smaller; near ones move more."""
    scale = planes[0].image.width / FULL[0]
    frame = Image.new("RGBA", size)
    for plane in planes:
        right, down, push = camera
        zoom = 1 + push * 0.1 * plane.nearness
        wide, tall = size[0] / zoom, size[1] / zoom
        x = (MARGIN_X + right * MARGIN_X * plane.nearness) * scale + (size[0] - wide) / 2
        y = (MARGIN_Y + down * MARGIN_Y * plane.nearness) * scale + (size[1] - tall) / 2
        frame.alpha_composite(plane.image.resize(size, Image.Resampling.BILINEAR, (x, y, x + wide, y + tall)))
    return frame


def _still(subject: Subject, mood: Mood, palette: Palette, planes: list[Plane]) -> Image.Image:
    frame = _seen(planes, _camera(mood, 0.1), (WIDTH, HEIGHT))
    falling = air(subject, mood.weather, palette, frame.size, indoors=mood.place == "room")
    if falling is not None:
        frame.alpha_composite(falling(0.1))
    return lens(frame.convert("RGB"), subject.dice("grain"))


def _moving(subject: Subject, mood: Mood, palette: Palette, planes: list[Plane]) -> bytes:
    half = [Plane(plane.image.reduce(2), plane.nearness) for plane in planes]
    falling = air(subject, mood.weather, palette, MOVING, indoors=mood.place == "room")
    frames = []
    count = max(2, round(subject.seconds * 1000 / FRAME_MS))
    for number in range(count):
        share = number / count
        frame = _seen(half, _camera(mood, share), MOVING)
        if falling is not None:
            frame.alpha_composite(falling(share))
        frames.append(lens(frame.convert("RGB"), None))
    return _file(
        frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=FRAME_MS, loop=0, quality=58, method=2
    )


def _strip(board: Image.Image, subject: Subject, mood: Mood, palette: Palette) -> None:
    draw = ImageDraw.Draw(board)
    draw.rectangle((0, HEIGHT, WIDTH, HEIGHT + 3), palette.accent)
    large, small = ImageFont.load_default(25), ImageFont.load_default(15)
    code = _fitted(draw, subject.code, large, WIDTH / 3)
    draw.text((24, HEIGHT + 15), code, _PAPER, large)
    left = 24 + max(180, round(draw.textlength(code, large)) + 36)
    right = WIDTH - 24
    draw.text((right, HEIGHT + 18), _length(subject), _PAPER, small, anchor="ra")
    draw.text((right, HEIGHT + 42), f"{mood.framing}, {mood.move}", _QUIET, small, anchor="ra")
    room = right - left - 190
    draw.text(
        (left, HEIGHT + 16),
        _fitted(draw, subject.name, ImageFont.load_default(20), room),
        _PAPER,
        ImageFont.load_default(20),
    )
    about = "  /  ".join(part for part in (subject.project, subject.scene) if part)
    draw.text((left, HEIGHT + 43), _fitted(draw, about, small, room), _QUIET, small)
    kind = subject.object.upper()
    draw.text((24, HEIGHT + 46), kind, _QUIET, ImageFont.load_default(12))


def _length(subject: Subject) -> str:
    if subject.frames is None:
        return ""
    first, last = subject.frames
    return f"{first} - {last}   {last - first + 1} f   {(last - first + 1) / (subject.fps or 24):.1f} s"


def _fitted(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, room: float
) -> str:
    text = " ".join(text.split())
    while text and draw.textlength(text, font) > room:
        text = text[:-2].rstrip() + "…" if len(text) > 2 else ""
    return text


def _file(image: Image.Image, kind: str, **options: object) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()
