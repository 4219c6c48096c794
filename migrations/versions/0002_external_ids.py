"""Ids of other systems in a table of their own, filled from what the entities show."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from domain.db import Json, Str

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KINDS = {"projects": "project", "characters": "character", "scenes": "scene", "segments": "segment"}
AT_ONCE = 1000


def upgrade() -> None:
    external_ids = op.create_table(
        "external_ids",
        sa.Column("scope", Str, nullable=False),
        sa.Column("object", Str, nullable=False),
        sa.Column("system", Str, nullable=False),
        sa.Column("external_id", Str, nullable=False),
        sa.Column("entity_id", Str, nullable=False),
        sa.PrimaryKeyConstraint("scope", "object", "system", "external_id", name=op.f("pk_external_ids")),
    )
    for name, object_ in KINDS.items():
        _fill(external_ids, name, object_)
    op.create_index(op.f("ix_external_ids_entity_id"), "external_ids", ["entity_id"], unique=False)
    op.create_index(
        "ix_external_ids_object_system_external_id_entity_id",
        "external_ids",
        ["object", "system", "external_id", "entity_id"],
        unique=False,
    )


def _fill(external_ids: sa.Table, name: str, object_: str) -> None:
    columns = [sa.column("id"), sa.column("external_ids", Json())]
    columns += [] if object_ == "project" else [sa.column("project_id")]
    seen: set[tuple[str, ...]] = set()
    rows: list[dict[str, str]] = []
    for entity in op.get_bind().execute(sa.select(*columns).select_from(sa.table(name)).order_by(sa.column("id"))):
        scope = "" if object_ == "project" else entity.project_id
        for system, external_id in entity.external_ids.items():
            key = (scope, system, str(external_id))
            if key not in seen:  # the oldest keeps an id that two were given
                seen.add(key)
                rows.append(dict(zip(("scope", "system", "external_id"), key, strict=True)) | {
                    "object": object_, "entity_id": entity.id,
                })  # fmt: skip
    for start in range(0, len(rows), AT_ONCE):
        op.bulk_insert(external_ids, rows[start : start + AT_ONCE])


def downgrade() -> None:
    op.drop_table("external_ids")
