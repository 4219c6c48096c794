"""The operations on projects."""

from __future__ import annotations

from domain.projects.models import PROJECTS

from ...blueprint import Blueprint
from ..entities import register_reads
from .schemas import ProjectSchema

blueprint = Blueprint("projects", __name__, description="Projects of the studio.")
register_reads(blueprint, PROJECTS, ProjectSchema)
