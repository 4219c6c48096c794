"""A small studio for the fuzzer: two projects, something of every kind, and keys that never run into their limits."""

from __future__ import annotations

from dataclasses import dataclass

from domain.characters.models import CHARACTERS
from domain.db import Database, Row
from domain.scenes.models import SCENES
from domain.segments.models import SEGMENTS
from tests.factories import make_approval, make_asset, make_key, make_project, make_webhook

PLENTY = 1_000_000
ASSETS_OF_EACH = 8


@dataclass(frozen=True, slots=True)
class Studio:
    """What was made: `ids` by prefix, and a key's text by whose it is."""

    ids: dict[str, list[str]]
    keys: dict[str, str]


def make_studio(database: Database) -> Studio:
    """Fill the database."""
    projects = [make_project(database, name=name) for name in ("The Salt Line", "Umbrella Season")]
    ids = {"prj": [project["id"] for project in projects]}
    for kind in (CHARACTERS, SCENES, SEGMENTS):
        assets = [make_asset(database, kind, projects[number % 2]) for number in range(ASSETS_OF_EACH)]
        make_approval(database, kind, assets[0], "rejected")
        ids[kind.prefix] = [asset["id"] for asset in assets]
    ids["whk"] = [make_webhook(database, enabled=False).id]
    return Studio(ids, {"admin": _key(database, "admin"), "creator": _key(database, "creator", projects[0])})


def _key(database: Database, role: str, *projects: Row) -> str:
    scope = "project" if projects else "full"
    return make_key(
        database, role, scope, [project["id"] for project in projects], read_per_minute=PLENTY, write_per_minute=PLENTY
    ).token
