"""What the demo studio is making: read from the `.toml` files beside this module."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
PRODUCTIONS = ("umbrella", "slow_light", "shadow")


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene: its beats and inserts become segments, its cast the reactions between them."""

    title: str
    place: str
    summary: str
    beats: list[str]
    inserts: list[str]
    cast: list[str]


@dataclass(frozen=True, slots=True)
class Production:
    """One project.

    Attributes:
        systems: the trackers that know its assets by an id of theirs.
        codes: templates of the codes by object, and how positions count.
        shots: lengths by kind of segment, and the phrases that describe one.
        fields: its metadata fields; `values` are those that the seed picks from, without them it is a day or a time.
        characters: what is to be known of each, by name.
    """

    name: str
    code: str
    initials: str
    description: str
    systems: list[str]
    weeks_old: int
    codes: dict[str, Any]
    metadata: dict[str, Any]
    shots: dict[str, Any]
    fields: list[dict[str, Any]]
    characters: dict[str, str]
    scenes: list[Scene]

    def fields_of(self, object_: str) -> list[dict[str, Any]]:
        """The fields that this kind of entity has."""
        return [field for field in self.fields if field["object"] == object_]


def productions() -> list[Production]:
    """All of them, in the order in which the studio took them on."""
    return [_production(table(name)) for name in PRODUCTIONS]


def notes() -> dict[str, list[str]]:
    """What reviewers write, by decision."""
    return table("words")


def slug(text: str) -> str:
    """The text as a part of a code: lower case, words joined by `_`."""
    plain = text.lower().replace("ê", "e")
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


def table(name: str) -> dict[str, Any]:
    """One of the files beside this module."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def _production(read: dict[str, Any]) -> Production:
    scenes = [Scene(**scene) for scene in read.pop("scenes")]
    fields = [*table("fields")["fields"], *read.pop("fields")]
    return Production(**read, scenes=scenes, fields=fields)
