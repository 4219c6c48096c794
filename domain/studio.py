"""The four nouns of the studio in one place, for code that treats them alike."""

from __future__ import annotations

from .characters.models import CHARACTERS
from .entities import Kind
from .projects.models import PROJECTS
from .scenes.models import SCENES
from .segments.models import SEGMENTS

KINDS: tuple[Kind, ...] = (PROJECTS, CHARACTERS, SCENES, SEGMENTS)
ASSETS: tuple[Kind, ...] = (CHARACTERS, SCENES, SEGMENTS)
BY_OBJECT: dict[str, Kind] = {kind.object: kind for kind in KINDS}
