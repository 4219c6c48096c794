"""The productions as rows: characters, scenes and segments with codes, frames, metadata and ids of other trackers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from domain.characters.models import CHARACTERS
from domain.entities import Kind
from domain.projects.models import PROJECTS
from domain.scenes.models import SCENES
from domain.segments.models import SEGMENTS

from .content import Production, Scene, slug
from .past import Past, past_id
from .statuses import character_statuses, scene_statuses, segment_status

FIRST_FRAME = 1001
REACTIONS = (2, 4)


@dataclass(slots=True)
class Asset:
    """An entity of the demo studio.

    Attributes:
        row: as it is now, but for `version` and `updated_at`, which its history gives it.
        production: the project it belongs to.
    """

    kind: Kind
    row: dict[str, Any]
    production: Production

    @property
    def subject(self) -> str:
        """What a reviewer calls it."""
        return {"character": "design", "scene": "sequence", "segment": "shot"}[self.kind.object]


@dataclass(slots=True)
class Draft:
    """A production being turned into rows."""

    production: Production
    project: dict[str, Any]
    rng: Random
    past: Past
    assets: list[Asset] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _number: int = 4100

    def add(self, kind: Kind, status: str, **fields: Any) -> dict[str, Any]:
        """One more asset, made in the first days of the project."""
        created = self.past.between(self.past.ago(days=44), self.past.ago(days=23))
        self._number += self.rng.randint(1, 9)
        row = {
            "id": past_id(kind.prefix, created),
            "project_id": self.project["id"],
            **fields,
            "status": status,
            "external_ids": external_ids(self.production, self._number, self.rng),
            "metadata": _metadata(self.production, kind.object, self.rng, self.past),
            "created_at": created,
        }
        self.assets.append(Asset(kind, row, self.production))
        return row

    def reactions(self, scene: Scene) -> Iterator[str]:
        """A few shots of those who are in the scene, none twice in the film."""
        wanted = self.rng.randint(*REACTIONS)
        while wanted:
            name = self.rng.choice(scene.cast)
            text = self.rng.choice(self.production.shots["cast"]).format(name=name)
            if text not in self._seen:
                self._seen.add(text)
                wanted -= 1
                yield text


def project_row(production: Production, rng: Random, past: Past) -> dict[str, Any]:
    """The project of a production."""
    created = past.ago(weeks=production.weeks_old, hours=rng.randint(1, 90))
    return {
        "id": past_id(PROJECTS.prefix, created),
        "name": production.name,
        "code": production.code,
        "description": production.description,
        "status": "active",
        "strict_metadata": False,
        "external_ids": external_ids(production, rng.randint(70, 99), rng),
        "metadata": production.metadata,
        "created_at": created,
        "updated_at": created,
        "version": 1,
    }


def draw_assets(production: Production, project: dict[str, Any], rng: Random, past: Past) -> list[Asset]:
    """Its characters, scenes and segments."""
    draft = Draft(production, project, rng, past)
    statuses = character_statuses(sorted(production.characters), rng)
    for name, about in production.characters.items():
        code = production.codes["character"].format(slug=slug(name))
        draft.add(CHARACTERS, statuses[name], name=name, code=code, description=about)
    for index, (scene, status) in enumerate(zip(production.scenes, scene_statuses(production, rng), strict=True)):
        _draw_scene(draft, scene, index, status)
    return draft.assets


def _draw_scene(draft: Draft, scene: Scene, index: int, status: str) -> None:
    codes = draft.production.codes
    numbers = {"number": (index + 1) * codes["scene_step"], "page": index + 1}
    if length := codes.get("scenes_in_episode"):
        numbers |= {"episode": index // length + 1, "in_episode": index % length + 1}
    code = codes["scene"].format(**numbers)
    about = f"{scene.place}. {scene.summary}"
    row = draft.add(
        SCENES, status, name=scene.title, code=code, description=about, position=(index + 1) * codes["scene_step"]
    )
    for count, (sort, name) in enumerate(_shots(draft, scene), start=1):
        number = count * codes["segment_step"]
        draft.add(
            SEGMENTS,
            segment_status(status, draft.rng),
            scene_id=row["id"],
            name=name,
            code=codes["segment"].format(**{**numbers, "scene": numbers["number"], "number": number}),
            description=_look(draft, sort),
            position=count * 10,
            frame_in=FIRST_FRAME,
            frame_out=FIRST_FRAME + draft.rng.randint(*draft.production.shots["frames"][sort]) - 1,
        )


def _shots(draft: Draft, scene: Scene) -> list[tuple[str, str]]:
    """The scene cut into shots: where we are, then its beats in order with inserts and reactions between them."""
    rest = [("insert", f"Insert: {text}") for text in scene.inserts]
    rest += [("cast", text) for text in draft.reactions(scene)]
    draft.rng.shuffle(rest)
    shots = [("place", f"Establishing: {scene.place}")]
    gaps = len(scene.beats)
    for index, beat in enumerate(scene.beats):
        shots.append(("beat", beat))
        shots += rest[index * len(rest) // gaps : (index + 1) * len(rest) // gaps]
    return shots


def _look(draft: Draft, sort: str) -> str:
    shots, rng = draft.production.shots, draft.rng
    return f"{rng.choice(shots['looks'][sort])}. {rng.choice(shots['remarks'])}"


def external_ids(production: Production, number: int, rng: Random) -> dict[str, str]:
    """An entity's ids in the trackers of its production, each in that tracker's form."""
    made = {
        "shotgrid": str(number),
        "ftrack": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "kitsu": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "ayon": uuid.UUID(int=rng.getrandbits(128), version=1).hex,
    }
    return {system: made[system] for system in production.systems}


def _metadata(production: Production, object_: str, rng: Random, past: Past) -> dict[str, Any]:
    day: date = past.now.date() + timedelta(days=rng.randint(-40, 60))
    plain = {"date": day.isoformat(), "datetime": f"{day.isoformat()}T07:30:00.000Z"}
    return {
        field["key"]: rng.choice(field["values"]) if "values" in field else plain[field["type"]]
        for field in production.fields_of(object_)
    }
