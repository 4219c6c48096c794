"""Projects: a production and everything made for it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Table, UniqueConstraint, false

from ..db import Json, LongText, Str, metadata
from ..entities import COMMON, Kind, entity_listing, timestamps

projects = Table(
    "projects",
    metadata,
    Column("id", Str, primary_key=True),
    Column("name", Str, nullable=False, index=True),
    Column("code", Str, nullable=False),
    Column("description", LongText, nullable=False, server_default=""),
    Column("status", Str, nullable=False, server_default="active"),
    Column("strict_metadata", Boolean, nullable=False, server_default=false()),
    # Another random number after every change of the project's metadata fields; see `metadata.commands.rules_for`.
    Column("fields_version", BigInteger, nullable=False, server_default="0"),
    Column("external_ids", Json, nullable=False, server_default="{}"),
    Column("metadata", Json, nullable=False, server_default="{}"),
    *timestamps(),
    UniqueConstraint("code"),
)

_FIELDS = ("name", "code", "description", "status", "strict_metadata", "external_ids", "metadata", *COMMON)
PROJECTS = Kind(
    object="project",
    plural="projects",
    prefix="prj",
    table=projects,
    fields=_FIELDS,
    listing=entity_listing("project", projects, _FIELDS, "name", ("active", "archived")),
)
