"""The operations on characters."""

from __future__ import annotations

from domain.characters.models import CHARACTERS

from ...blueprint import Blueprint
from ..entities import register_reads
from .schemas import CharacterSchema

blueprint = Blueprint("characters", __name__, description="Characters of the studio.")
register_reads(blueprint, CHARACTERS, CharacterSchema)
