"""What a preview is drawn of: an asset, its scene and its project as their rows tell it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from domain.characters.models import CHARACTERS
from domain.db import Row, Session
from domain.projects.models import PROJECTS
from domain.scenes.models import SCENES
from domain.studio import BY_OBJECT

from .preview import Subject
from .preview.cast import names_in

MOST_CHARACTERS = 500


def subject_of(session: Session, job: Row) -> Subject:
    """The subject of a job of kind `preview`. Two statements for a character, three for a scene, four for a segment."""
    kind = BY_OBJECT[job["target_object"]]
    asset = _row(session, kind.table, job["target_id"])
    project = _row(session, PROJECTS.table, job["project_id"])
    scene = asset if kind is SCENES else None
    if kind.object == "segment":
        scene = _row(session, SCENES.table, asset["scene_id"])
    place = f"{scene['name']}. {scene['description']}" if scene is not None else ""
    text = f"{asset['name']}. {asset['description']}"
    known = [] if kind is CHARACTERS else _characters(session, job["project_id"])
    first, last = (asset["frame_in"], asset["frame_out"]) if kind.object == "segment" else (None, None)
    fps = project["metadata"].get("fps")
    return Subject(
        seed=f"{asset['id']}/{job['params'].get('seed', 0)}",
        object=kind.object,
        name=asset["name"],
        code=asset["code"],
        project=project["name"],
        setting=(asset["name"], asset["description"], place),
        scene=scene["name"] if scene is not None and kind is not SCENES else "",
        frames=None if first is None or last is None else (first, last),
        fps=fps if isinstance(fps, int | float) and fps > 0 else 24,
        seconds=job["params"].get("seconds", 2.0),
        cast=(asset["name"],) if kind is CHARACTERS else names_in(text, known) or names_in(place, known),
        style=project["description"],
    )


def _row(session: Session, table: Any, row_id: str) -> Row:
    return session.execute(select(table).where(table.c.id == row_id)).mappings().one()


def _characters(session: Session, project_id: str) -> list[str]:
    table = CHARACTERS.table
    chosen = select(table.c.name).where(table.c.project_id == project_id).order_by(table.c.name)
    return list(session.execute(chosen.limit(MOST_CHARACTERS)).scalars())
