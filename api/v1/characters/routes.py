"""The operations on characters."""

from __future__ import annotations

from domain.characters.models import CHARACTERS

from ...blueprint import Blueprint
from ..entities import register_reads
from ..entity_writes import register_writes
from .schemas import CharacterChangeSchema, CharacterSchema, NewCharacterSchema

blueprint = Blueprint("characters", __name__, description="Characters of the studio.")
register_reads(blueprint, CHARACTERS, CharacterSchema)
register_writes(blueprint, CHARACTERS, CharacterSchema, NewCharacterSchema, CharacterChangeSchema)
