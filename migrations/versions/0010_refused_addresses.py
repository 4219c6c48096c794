"""What was refused to an address, in an index of its own.

Code of the version before must keep working beside this schema: add before use, drop one release later.
"""

from __future__ import annotations

from migrations.audit_indexes import create_index, drop_index, index_name, without_transaction

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NAME = index_name("refused_ip")


def upgrade() -> None:
    with without_transaction():
        create_index(NAME, ("ip",), "status_code / 10 >= 40")


def downgrade() -> None:
    with without_transaction():
        drop_index(NAME)
