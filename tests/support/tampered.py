"""The trail and its seals as they are, to go back to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import text

from domain.db import Database

TABLES = ("api_audit_log", "audit_sealed_rows", "audit_seals")


@contextmanager
def kept(database: Database) -> Iterator[Callable[[], None]]:
    """Gives a function that puts every row of the three tables back as it was."""

    def run(*statements: str) -> None:
        with database.transaction() as session:
            for table in TABLES:
                for statement in statements:
                    session.execute(text(statement.format(table)))

    run("CREATE TABLE kept_{0} AS SELECT * FROM {0}")
    try:
        yield lambda: run("DELETE FROM {0}", "INSERT INTO {0} SELECT * FROM kept_{0}")
    finally:
        run("DROP TABLE kept_{0}")
