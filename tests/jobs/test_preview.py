"""The pictures of previews: real files of the size that is promised, the same for the same subject."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from jobs.preview import Subject, render
from jobs.preview.cast import names_in

SUBJECT = Subject(
    seed="seg_01jd3q8v9w7x5y2m4n6p8r0s1t",
    object="segment",
    name="Establishing: Market square",
    code="um_050_0010",
    project="The Last Umbrella Mender",
    setting=(
        "Establishing: Market square",
        "High wide through the rain rig.",
        "Market square. Tidewell fines a child.",
    ),
    scene="The by-law concerning puddles",
    frames=(1001, 1090),
    cast=("Tidewell", "Pim"),
    style="In a town where it has rained for eleven years.",
)
MOODS = (
    *("Deep space, wide crane", "Crater rim, wide push", "Stage, portrait, held", "A boat in snow at noon, pan"),
    *("Rooftops in fog, medium, dawn", "Gutter Lane, storm, noir", "Insert: the shop at night", "A hill at dusk"),
)


def test_it_works() -> None:
    made = render(SUBJECT)
    picture, moving, small = (Image.open(io.BytesIO(data)) for data in (made.picture, made.moving, made.thumbnail))
    assert (picture.format, picture.size) == ("PNG", (1280, 720))
    assert (moving.format, moving.size, getattr(moving, "n_frames", 1)) == ("WEBP", (640, 324), 24)
    assert (small.format, small.size) == ("WEBP", (320, 180))
    assert len(made.picture) < 2 * 1024 * 1024
    assert len(made.moving) < 2 * 1024 * 1024
    assert len(picture.convert("RGB").getcolors(1 << 24) or ()) > 1000


def test_the_same_subject_gives_the_same_bytes() -> None:
    made = render(SUBJECT)
    assert render(SUBJECT) == made
    assert render(replace(SUBJECT, seed="seg_2")).picture != made.picture


@pytest.mark.parametrize("word", MOODS)
def test_every_place_and_mood_can_be_drawn(word: str) -> None:
    render(replace(SUBJECT, setting=(word,), style=word))


@pytest.mark.parametrize("name", ["", "x" * 300 + "\n名前 – \u202e\U0001f3ac"])
def test_whatever_it_is_called(name: str) -> None:
    render(replace(SUBJECT, name=name, code=name, project=name, scene=name, setting=(name,), cast=(name,)))


def test_the_words_decide() -> None:
    mood = SUBJECT.mood()
    assert (mood.place, mood.weather, mood.framing, mood.ink) == ("street", "rain", "wide", False)
    assert replace(SUBJECT, style="Graphic noir short").mood().ink


def test_a_character_is_a_portrait() -> None:
    assert replace(SUBJECT, object="character", frames=None).mood().framing == "close"


def test_who_is_named_is_seen() -> None:
    known = ["Inspector Augustin Tidewell", "Pim", "The Weathercock"]
    assert names_in("Pim pays; The Weathercock sneezes", known) == ("Pim", "The Weathercock")
