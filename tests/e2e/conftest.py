"""The real product on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import PostgresqlDatabases
from tests.support.processes import Product, running


@pytest.fixture(params=["sqlite", "postgresql"])
def product(request: pytest.FixtureRequest, home: Path) -> Iterator[Product]:
    """Callsheet, ready, with its demo studio; the test runs once on each kind of database."""
    if request.param == "sqlite":
        with running(home) as started:
            yield started
        return
    cluster: PostgresqlDatabases = request.getfixturevalue("postgresql_databases")
    with running(home, DATABASE_URL=cluster.bare()) as started:
        yield started
