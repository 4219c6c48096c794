"""More types of metadata fields; a list has a row for each item, a date is text, long text has a column of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from domain.db import Json, LongText, Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INDEXED = ("text_value", "number_value", "time_value")
# The types there were, and for the way back those that each of them stood for.
OLD_TYPES = {
    "text": ("string", "enum", "url", "enum_list", "json"),
    "number": ("integer", "boolean"),
    "date": ("datetime",),
}
AT_ONCE = 1000


def upgrade() -> None:
    op.add_column("projects", sa.Column("fields_version", sa.BigInteger(), server_default="0", nullable=False))
    _drop_indexes()
    with op.batch_alter_table("metadata_values") as batch:
        batch.add_column(sa.Column("item", sa.Integer(), server_default="0", nullable=False))
        batch.add_column(sa.Column("long_value", LongText))
        batch.drop_constraint(op.f("pk_metadata_values"), type_="primary")
        batch.create_primary_key(op.f("pk_metadata_values"), ["entity_id", "key", "item"])
    _dates_as_text()
    _name_types()
    _create_indexes()


def _name_types() -> None:
    """What was `text` is `enum` where it had options, else `string`."""
    fields = sa.table("metadata_fields", sa.column("id"), sa.column("type"), sa.column("rules", Json()))
    connection = op.get_bind()
    for row in connection.execute(sa.select(fields).where(fields.c.type == "text")).all():
        new = "enum" if row.rules.get("options") else "string"
        connection.execute(sa.update(fields).where(fields.c.id == row.id).values(type=new))


def _dates_as_text() -> None:
    values = sa.table(
        "metadata_values",
        *(sa.column(name) for name in ("entity_id", "key", "text_value")),
        sa.column("time_value", Moment()),
    )
    connection = op.get_bind()
    chosen = sa.select(values.c.entity_id, values.c.key, values.c.time_value).where(values.c.time_value.is_not(None))
    same = (values.c.entity_id == sa.bindparam("of"), values.c.key == sa.bindparam("named"))
    change = sa.update(values).where(*same).values(text_value=sa.bindparam("day"), time_value=None)
    while rows := connection.execute(chosen.limit(AT_ONCE)).all():
        days = [{"of": row.entity_id, "named": row.key, "day": row.time_value.date().isoformat()} for row in rows]
        connection.execute(change, days)


def downgrade() -> None:
    """Values by type are emptied: the version before fills them from nowhere but the demo's seed."""
    _drop_indexes()
    op.execute("DELETE FROM metadata_values")
    for old, new in OLD_TYPES.items():
        op.execute(sa.text("UPDATE metadata_fields SET type = :old WHERE type IN :new").bindparams(
            sa.bindparam("old", old), sa.bindparam("new", new, expanding=True)
        ))  # fmt: skip
    with op.batch_alter_table("metadata_values") as batch:
        batch.drop_constraint(op.f("pk_metadata_values"), type_="primary")
        batch.create_primary_key(op.f("pk_metadata_values"), ["entity_id", "key"])
        batch.drop_column("item")
        batch.drop_column("long_value")
    _create_indexes()
    op.drop_column("projects", "fields_version")


def _drop_indexes() -> None:
    for column in INDEXED:
        op.drop_index(f"ix_metadata_values_key_{column}", table_name="metadata_values")


def _create_indexes() -> None:
    for column in INDEXED:
        held = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"ix_metadata_values_key_{column}",
            "metadata_values",
            ["key", column, "entity_id"],
            postgresql_where=held,
            sqlite_where=held,
        )
