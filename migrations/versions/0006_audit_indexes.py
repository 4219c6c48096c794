"""What the audit is indexed by: the caller's address, and parts that no successful GET is in.

On PostgreSQL the indexes are made beside the calls, which go on being written. Code of the version before must keep
working beside this schema: add before use, drop one release later.
"""

from __future__ import annotations

from migrations.audit_indexes import create_index, drop_index, index_name, without_transaction

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

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
OLD = "ix_api_audit_log_at_id"


def upgrade() -> None:
    with without_transaction():
        for part, (columns, where) in NEW.items():
            create_index(index_name(part), columns, where)
        drop_index(OLD)
        create_index(index_name("user_id"), ("user_id",), "user_id IS NOT NULL")


def downgrade() -> None:
    with without_transaction():
        create_index(OLD, (), None)
        create_index(index_name("user_id"), ("user_id",), None)
        for part in NEW:
            drop_index(index_name(part))
