"""The real product on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.databases import PostgresqlDatabases
from tests.support.processes import Product, running


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def product(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Callsheet, ready, with its demo studio; the tests of a file run on one of each kind of database, in order."""
    home = tmp_path_factory.mktemp("product") / "home"
    if request.param == "sqlite":
        with running(home) as started:
            yield started
        return
    cluster: PostgresqlDatabases = request.getfixturevalue("postgresql_databases")
    with running(home, DATABASE_URL=cluster.bare()) as started:
        yield started
