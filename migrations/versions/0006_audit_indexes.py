"""What the audit is indexed by: the caller's address, and parts that no successful GET is in.

On PostgreSQL the indexes are made beside the calls, which go on being written. Code of the version before must keep
working beside this schema: add before use, drop one release later.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLE = "api_audit_log"
# By the name's middle part: the columns before `at` and `id`, and of which rows.
NEW: dict[str, tuple[tuple[str, ...], str | None]] = {
    "every": ((), "source <> ''"),
    "ip": (("ip",), None),
    "action": (("action",), "action IS NOT NULL"),
    "method": (("method",), "method <> 'GET'"),
    "source": (("source",), "source <> 'api'"),
    "status_code": (("status_code",), "status_code + 0 <> 200"),
    "refused": ((), "status_code / 100 >= 4"),
    "refused_key_id": (("key_id",), "status_code / 10 >= 40"),
    "refused_route": (("route",), "status_code / 10 >= 40"),
    "failed": ((), "status_code / 100 >= 5"),
}
OLD = f"ix_{TABLE}_at_id"


def upgrade() -> None:
    with _without_transaction():
        for part, (columns, where) in NEW.items():
            _create(_name(part), columns, where)
        _drop(OLD)
        _create(_name("user_id"), ("user_id",), "user_id IS NOT NULL")


def downgrade() -> None:
    with _without_transaction():
        _create(OLD, (), None)
        _create(_name("user_id"), ("user_id",), None)
        for part in NEW:
            _drop(_name(part))


def _name(part: str) -> str:
    return f"ix_{TABLE}_{part}_at_id"


@contextmanager
def _without_transaction() -> Iterator[None]:
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


def _create(name: str, columns: tuple[str, ...], where: str | None) -> None:
    _drop(name)  # one that was broken off stands there without effect
    condition = None if where is None else sa.text(where)
    op.create_index(
        name,
        TABLE,
        [*columns, "at", "id"],
        postgresql_where=condition,
        sqlite_where=condition,
        postgresql_concurrently=True,
    )


def _drop(name: str) -> None:
    op.drop_index(name, table_name=TABLE, if_exists=True, postgresql_concurrently=True)
