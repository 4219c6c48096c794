"""Infrastructure for every test: databases, Redis, a browser. Data comes from the factories."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
from argon2 import PasswordHasher

from domain.accounts import passwords
from domain.db import Database
from domain.events import commands as event_commands
from tests.support import databases
from tests.support.browser import chromium
from tests.support.databases import PostgresqlDatabases, SqliteDatabases
from tests.support.schemas import render_checked

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# A shell without job control starts what is to run in the background with SIGINT ignored, and so would be every process
# that is started here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# What starts whole products: few tests that take long. Left for the end, one process would wait for the other's.
LONG = ("e2e", "deploy", "bench", "openapi", "dev", "jobs")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders whose tests take longest; the order in each stays."""
    here = Path(__file__).parent
    folders = {item: item.path.relative_to(here).parts[0] for item in items}
    items.sort(key=lambda item: LONG.index(folders[item]) if folders[item] in LONG else len(LONG))


@pytest.fixture(scope="session", autouse=True)
def every_event_fits_the_catalogue() -> Iterator[None]:
    """Whatever event this process writes in a test is held against its type's JSON Schema."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_commands, "render_bodies", render_checked)
        yield


@pytest.fixture(scope="session", autouse=True)
def passwords_are_quick_to_check() -> Iterator[None]:
    """Hundreds of tests sign in: the same argon2id, at the least it can cost. `tests/domain/test_accounts.py` holds the
    product's own cost to RFC 9106."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql_databases() -> Iterator[PostgresqlDatabases]:
    with databases.postgresql() as cluster:
        yield cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty, migrated database: the test runs once on each kind."""
    maker: SqliteDatabases | PostgresqlDatabases = request.getfixturevalue(f"{request.param}_databases")
    with maker.fresh() as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty, migrated database: the test runs once on each kind."""
    made = Database(database_url)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis database of this session alone."""
    with databases.redis_database() as url:
        yield url


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """An empty Redis."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        yield client


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one module: while Playwright runs, nothing else in this process may run an event loop."""
    with chromium() as started:
        yield started


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A CALLSHEET_HOME that does not exist yet."""
    return tmp_path / "home"
