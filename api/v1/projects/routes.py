"""The operations on projects."""

from __future__ import annotations

from domain.projects.models import PROJECTS

from ...blueprint import Blueprint
from ..entities import register_reads
from ..entity_writes import register_writes
from .schemas import NewProjectSchema, ProjectChangeSchema, ProjectSchema

blueprint = Blueprint("projects", __name__, description="Projects of the studio.")
register_reads(blueprint, PROJECTS, ProjectSchema)
register_writes(blueprint, PROJECTS, ProjectSchema, NewProjectSchema, ProjectChangeSchema)
