"""One PostgreSQL with 1,000,000 segments for every test here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain.db import Database
from tests.scale.million import fill
from tests.support.databases import PostgresqlDatabases
from tests.support.servers import postgresql_process


@pytest.fixture(scope="session")
def million() -> Iterator[Database]:
    with postgresql_process() as url:
        made = Database(PostgresqlDatabases(url).bare())
        fill(made)
        yield made
        made.dispose()
