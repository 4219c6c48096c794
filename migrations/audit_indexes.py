"""Making and dropping indexes of the audit trail: on PostgreSQL beside the calls, which go on being written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

TABLE = "api_audit_log"


def index_name(part: str) -> str:
    """The name of an index with this middle part."""
    return f"ix_{TABLE}_{part}_at_id"


@contextmanager
def without_transaction() -> Iterator[None]:
    """PostgreSQL makes an index beside other work only outside of one; see `domain.db` for who begins them."""
    connection = op.get_bind()
    connection.execution_options(callsheet_autocommit=True)
    # It takes as long as it takes: no call waits for it.
    limits = ("statement_timeout", "lock_timeout") if connection.dialect.name == "postgresql" else ()
    with op.get_context().autocommit_block():
        for limit in limits:
            op.execute(f"SET {limit} = 0")
        try:
            yield
        finally:
            for limit in limits:
                op.execute(f"RESET {limit}")
            connection.execution_options(callsheet_autocommit=False)


def create_index(name: str, columns: tuple[str, ...], where: str | None) -> None:
    """An index of these columns, then `at` and `id`, of the rows that `where` is true of."""
    drop_index(name)  # one that was broken off stands there without effect
    condition = None if where is None else sa.text(where)
    op.create_index(
        name,
        TABLE,
        [*columns, "at", "id"],
        postgresql_where=condition,
        sqlite_where=condition,
        postgresql_concurrently=True,
    )


def drop_index(name: str) -> None:
    """Drop it, if it is there."""
    op.drop_index(name, table_name=TABLE, if_exists=True, postgresql_concurrently=True)
