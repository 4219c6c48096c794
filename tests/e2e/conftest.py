"""The real product on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.databases import PostgresqlDatabases
from tests.support.processes import SMALL, Product, running


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database_setting(request: pytest.FixtureRequest) -> dict[str, str]:
    """Where an empty database is: the tests of a file run on one of each kind, in order."""
    if request.param == "sqlite":
        return {}
    cluster: PostgresqlDatabases = request.getfixturevalue("postgresql_databases")
    return {"DATABASE_URL": cluster.bare()}


@pytest.fixture(scope="module")
def product(database_setting: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Callsheet, with two web processes, ready and empty; its webhooks may go to this machine."""
    home = tmp_path_factory.mktemp("product") / "home"
    settings = {**SMALL, "CALLSHEET_WEB_WORKERS": "2", "CALLSHEET_WEBHOOK_ALLOW_CIDRS": "127.0.0.0/8"}
    with running(home, **settings, **database_setting) as started:
        yield started


@pytest.fixture(scope="module")
def demo(database_setting: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Callsheet, ready, with its demo studio."""
    with running(tmp_path_factory.mktemp("demo") / "home", **database_setting) as started:
        yield started
