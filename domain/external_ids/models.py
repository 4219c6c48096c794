"""External ids: the names that other systems have for our objects, so that no client keeps a table of its own.

An entity shows its own in `external_ids`; these rows answer "which segment is ShotGrid's 1042" with an index.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Table

from ..db import Str, metadata

external_ids = Table(
    "external_ids",
    metadata,
    # Where the id is unique: a project's assets, or, as "", all projects. Somebody else's project tells nothing.
    Column("scope", Str, primary_key=True),
    Column("object", Str, primary_key=True),
    Column("system", Str, primary_key=True),
    Column("external_id", Str, primary_key=True),
    Column("entity_id", Str, nullable=False, index=True),
)
Index(
    "ix_external_ids_object_system_external_id_entity_id",
    *(external_ids.c[name] for name in ("object", "system", "external_id", "entity_id")),
)
