"""The demo studio, put once into a database of each kind and then only read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import app
from config import Settings
from dev.seed import seed_studio
from domain.ports import Services
from tests.support.databases import PostgresqlDatabases, SqliteDatabases


class Studio:
    """A seeded database.

    Attributes:
        text: what the seed said.
    """

    def __init__(self, url: str, home: Path) -> None:
        self.home = home
        self.services = services_for(url, home)
        self.text = seed_studio(self.services) or ""


def services_for(url: str, home: Path) -> Services:
    """The services of an installation with this database."""
    return app.build_services(Settings.from_env({"CALLSHEET_HOME": str(home), "DATABASE_URL": url}))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def studio(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    maker: SqliteDatabases | PostgresqlDatabases = request.getfixturevalue(f"{request.param}_databases")
    with maker.fresh() as url:
        made = Studio(url, tmp_path_factory.mktemp("home"))
        yield made
        made.services.database.dispose()
