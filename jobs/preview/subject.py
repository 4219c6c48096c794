"""What is drawn: an asset as its rows tell it, and the mood that its words suggest."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

# The first whose words are found wins; the words are beginnings of words.
_PLACES: Mapping[str, str] = {
    "space": "orbit comet interplanetary spacecraft probe star galaxy outbound hibernat carrier flyby satellite planet",
    "moon": "mars venus moon crater rover lander regolith dune desert geyser plume",
    "stage": "stage theatre cinema orpheum club audience curtain puppet",
    "sea": "boat sea harbour landing ship canal flood river tide pier lake gutterling nave",
    "roofs": "roof spire chimney skyline weathercock sky balloon",
    "street": "street lane alley market square ward tram garage station town city road lamp by-law puddle",
    "room": "shop room studio kitchen bakery office lab hall lobby hotel cellar museum control meeting morgue "
    "observatory interior int house depot store desk counter bath clean stairs counter table",
    "hills": "hill forest mountain field meadow valley tree dish launch pad",
}
_LIGHTS: Mapping[str, str] = {
    "dawn": "dawn sunrise morning first-light",
    "dusk": "dusk sunset evening gas-lit golden later",
    "night": "night midnight candle lamp moon star a.m. noir dark match blind ink",
    "day": "noon day afternoon bright summer",
}
_WEATHERS: Mapping[str, str] = {
    "storm": "storm lightning thunder",
    "snow": "snow ice frost winter",
    "rain": "rain wet puddle drip gutter umbrella flood drop",
    "fog": "fog mist smoke haze steam dust",
    "clear": "clear dry sun",
}
_FRAMINGS: Mapping[str, str] = {
    "insert": "insert macro probe detail top-down cut-out inset microscope",
    "close": "close-up close portrait profile single head panel medium-close",
    "medium": "medium two-shot over shoulder counter dutch silhouette hands",
    "wide": "wide establishing splash crane vista long high",
}
_MOVES: Mapping[str, str] = {
    "push": "push dolly zoom slow iris",
    "crane": "crane rise tilt low",
    "pan": "pan track slider drift arc motion-control rostrum",
    "hold": "locked hold held static",
}


@dataclass(frozen=True, slots=True)
class Mood:
    """How a subject is drawn: one word of each table above, and whether it is drawn in ink."""

    place: str
    light: str
    weather: str
    framing: str
    move: str
    ink: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """An asset to be drawn.

    Attributes:
        seed: its id: two subjects alike in words still differ in their pictures.
        setting: where it is, in words of its own and of its scene, the nearest first.
        frames: the first and the last; None where it has none.
        cast: the names of the characters that are seen.
        style: what is said of the whole project.
    """

    seed: str
    object: str
    name: str
    code: str
    project: str
    setting: tuple[str, ...] = ()
    scene: str = ""
    frames: tuple[int, int] | None = None
    fps: float = 24
    seconds: float = 2  # of the loop
    cast: tuple[str, ...] = ()
    style: str = ""

    def dice(self, purpose: str) -> random.Random:
        """Numbers that are this subject's own, for one purpose."""
        return random.Random(f"{self.seed}/{purpose}")  # noqa: S311 - a picture is no secret

    def mood(self) -> Mood:
        """What the words suggest, the nearest first; chance decides where they say nothing."""
        texts = (*self.setting, self.style)
        dice = self.dice("mood")
        place = _first(_PLACES, texts) or "hills"
        outside = _first(_WEATHERS, texts) or "clear"
        light = _first(_LIGHTS, texts) or dice.choice(("day", "dusk", "dawn", "night"))
        framing = _first(_FRAMINGS, self.setting[:2]) or ("close" if self.object == "character" else "wide")
        return Mood(
            place=place,
            light="night" if place == "space" else light,
            weather="clear" if place in ("space", "stage") else outside,
            framing="close" if self.object == "character" else framing,
            move=_first(_MOVES, self.setting) or dice.choice(("pan", "push", "crane")),
            ink=re.search(r"\b(noir|ink|inks|screentone)\b", self.style.lower()) is not None,
        )


def _first(table: Mapping[str, str], texts: tuple[str, ...]) -> str | None:
    for text in texts:
        words = re.findall(r"[a-z.'-]+", text.lower())
        for name, beginnings in table.items():
            if any(word.startswith(beginning) for word in words for beginning in beginnings.split()):
                return name
    return None
