"""Migrations go up, down and up again, and end where the tables in code are."""

from __future__ import annotations

from sqlalchemy import inspect

from domain.db import Database
from domain.tables import metadata
from migrations.run import differences, downgrade, upgrade


def tables(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names()) - {"alembic_version"}


def test_it_works(database: Database) -> None:
    assert differences(database) == []
    assert tables(database) == set(metadata.tables)


def test_they_go_down_and_up_again(database: Database) -> None:
    downgrade(database, "base")
    assert tables(database) == set()
    upgrade(database)
    assert differences(database) == []


def test_going_up_twice_changes_nothing(database: Database) -> None:
    upgrade(database)
    assert differences(database) == []


def test_the_names_that_are_fixed_are_there(database: Database) -> None:
    assert tables(database) >= {"api_keys", "webhooks", "webhook_deliveries", "api_audit_log", "users", "events"}
