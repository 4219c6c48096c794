"""The application on each database, and a cast of callers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

import pytest
import redis
from flask import Flask

from api.limits import Levels, RedisLimiter
from app import build_services, create_app
from config import Settings
from domain.db import Database, Row
from domain.ports import Services
from tests.api.client import Client
from tests.factories import SECRET, make_key, make_project
from tests.support.clock import NOON, StoppedClock
from tests.support.databases import empty

MakeApp = Callable[..., Flask]
METRICS_TOKEN = "the-metrics-token-of-the-tests"


@pytest.fixture(scope="session")
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def api_database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """One database of each kind for all tests here: making an application takes longer than most of them."""
    with request.getfixturevalue(f"{request.param}_databases").fresh() as url:
        yield url


@pytest.fixture(scope="session")
def make_app(
    api_database_url: str, redis_url: str, clock: StoppedClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeApp]:
    """Make an application on the database and Redis of the tests; settings may be given in lower case."""
    with ExitStack() as made:

        def make(**settings: str) -> Flask:
            home: Path = tmp_path_factory.mktemp("home")
            given = {f"CALLSHEET_{name.upper()}": value for name, value in settings.items() if name != "redis_url"}
            fixed = {
                "CALLSHEET_HOME": str(home),
                "CALLSHEET_SECRET_KEY": SECRET,
                "CALLSHEET_METRICS_TOKEN": METRICS_TOKEN,
                "CALLSHEET_DEMO": "0",
                "DATABASE_URL": api_database_url,
                "REDIS_URL": settings.get("redis_url", redis_url),
            }
            chosen = Settings.from_env({**fixed, **given})
            services = build_services(chosen, clock)
            made.callback(services.database.dispose)
            return create_app(chosen, services)

        yield make


@pytest.fixture(scope="session")
def shared_app(make_app: MakeApp) -> Flask:
    return make_app()


@pytest.fixture
def app(shared_app: Flask, redis_client: redis.Redis, clock: StoppedClock) -> Iterator[Flask]:
    """The application over empty tables and an empty Redis, at noon."""
    clock.now = NOON
    limiter = shared_app.extensions["callsheet"].limiter
    assert isinstance(limiter, RedisLimiter)
    limiter.levels = Levels()
    yield shared_app
    empty(shared_app.extensions["callsheet"].database)


@pytest.fixture
def services(app: Flask) -> Services:
    found: Services = app.extensions["callsheet"]
    return found


@pytest.fixture
def database(services: Services) -> Database:
    return services.database


class Cast:
    """Who calls: everybody but the stranger belongs to the production `project`. Each is made when first named."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._database: Database = app.extensions["callsheet"].database
        self.nobody = Client(app)

    @cached_property
    def project(self) -> Row:
        return make_project(self._database, name="The Salt Line")

    @cached_property
    def foreign_project(self) -> Row:
        return make_project(self._database, name="Umbrella Season")

    @cached_property
    def admin(self) -> Client:
        return self._caller("admin", "full")

    @cached_property
    def creator(self) -> Client:
        return self._caller("creator", "project", self.project)

    @cached_property
    def reviewer(self) -> Client:
        return self._caller("reviewer", "project", self.project)

    @cached_property
    def viewer(self) -> Client:
        return self._caller("viewer", "read_only")

    @cached_property
    def stranger(self) -> Client:
        return self._caller("reviewer", "project", self.foreign_project)

    def _caller(self, role: str, scope: str, *projects: Row) -> Client:
        return Client(self._app, make_key(self._database, role, scope, [project["id"] for project in projects]))


@pytest.fixture
def cast(app: Flask) -> Cast:
    return Cast(app)
