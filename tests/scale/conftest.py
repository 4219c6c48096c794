"""A PostgreSQL with 1,000,000 segments, and one with 10,000,000 audit entries; each for every test that asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from domain.db import Database
from tests.scale import million as segments
from tests.scale import ten_million as audit
from tests.support.databases import PostgresqlDatabases
from tests.support.servers import postgresql_process


@contextmanager
def filled(fill: Callable[[Database], None]) -> Iterator[Database]:
    with postgresql_process() as url:
        made = Database(PostgresqlDatabases(url).bare())
        fill(made)
        yield made
        made.dispose()


@pytest.fixture(scope="session")
def million() -> Iterator[Database]:
    with filled(segments.fill) as made:
        yield made


@pytest.fixture(scope="session")
def ten_million() -> Iterator[Database]:
    with filled(audit.fill) as made:
        yield made
