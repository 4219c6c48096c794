"""The portal on an empty database, and its cast: Ada is admin, Rui reviews, Vi looks at one project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import FileSystemBytecodeCache

import portal
from config import Settings
from domain.access import SYSTEM
from domain.accounts.commands import create_user
from domain.audit.commands import AuditWriter
from domain.clock import system_clock
from domain.crypto import Keyring
from domain.db import Database
from domain.events.positions import Feed
from domain.gate import Gate
from domain.ports import Grant, Services, Take
from domain.seals.statistics import Figure
from jobs.artifact_store import open_store
from jobs.hub import Hub
from jobs.runtime import quick_redis
from portal.context import EXTENSION
from tests.support.page import Visitor

NOWHERE = "redis://127.0.0.1:9/0"  # no page waits for anything
PASSWORD = "correct horse battery staple"
SignIn = Callable[..., Visitor]


class Clock:
    """A clock that a test may move."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self.ahead


class CountingLimiter:
    """Buckets that are never refilled."""

    degraded = False

    def __init__(self) -> None:
        self.taken: dict[str, float] = {}

    def take(self, bucket: str, per_minute: int, cost: float = 1, key_id: str | None = None) -> Grant:  # noqa: ARG002
        self.taken[bucket] = self.taken.get(bucket, 0) + cost
        left = per_minute - self.taken[bucket]
        return Grant(left >= 0, per_minute, max(int(left), 0), 60, 0 if left >= 0 else 12)

    def take_all(self, takes: Sequence[Take]) -> list[Grant | Exception]:
        return [self.take(*take) for take in takes]

    def publish_epoch(self, key_id: str, epoch: int) -> None:
        pass


class Well:
    """A health check that finds nothing."""

    def check(self) -> dict[str, str | None]:
        return {}

    def figures(self) -> list[Figure]:
        return []


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def services(database: Database, home: Path, clock: Clock) -> Services:
    settings = Settings.from_env({"CALLSHEET_HOME": str(home)})
    return Services(
        database=database,
        keyring=Keyring(settings.secret_key),
        clock=clock,
        limiter=CountingLimiter(),
        audit=AuditWriter(database),
        health=Well(),
        check_target=lambda _url: None,
        artifacts=open_store(settings.artifacts),
        changes=Hub(quick_redis(NOWHERE)),
        feed=Feed(database),
        gate=Gate(16, 0),
        settings=settings,
    )


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Templates are compiled once, not for each application: that takes longer than most tests of pages."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture(scope="session")
def make_app(compiled_templates: FileSystemBytecodeCache) -> Callable[[], Flask]:
    """Make an application with the portal alone, over no services yet."""

    def make() -> Flask:
        app = Flask("callsheet", root_path=str(Path(portal.__file__).parents[1]))
        app.jinja_options = {"bytecode_cache": compiled_templates}
        portal.register(app)
        app.register_error_handler(Exception, portal.handle_error)
        return app

    return make


@pytest.fixture(scope="session")
def shared_app(make_app: Callable[[], Flask]) -> Flask:
    """One for all tests here: making it takes longer than most of them."""
    return make_app()


@pytest.fixture
def app(shared_app: Flask, services: Services) -> Flask:
    shared_app.extensions[EXTENSION] = services
    return shared_app


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """Somebody who has not signed in."""
    return Visitor(app)


@pytest.fixture
def sign_in(app: Flask, services: Services) -> SignIn:
    """Make a user and sign in: `sign_in()` is Ada, `sign_in("viewer", ["prj_…"])` looks at one project."""

    def make(role: str = "admin", project_ids: list[str] | None = None) -> Visitor:
        email = f"{role}@example.com"
        with services.database.transaction() as session:
            create_user(
                session,
                SYSTEM,
                email=email,
                name=f"Ada {role.title()}",
                password=PASSWORD,
                role=role,
                project_ids=project_ids,
                now=services.clock(),
            )
        visitor = Visitor(app)
        page = visitor.get("/portal/sign-in")
        visitor.submit(page, "/portal/sign-in", 303, email=email, password=PASSWORD)
        return visitor

    return make


@pytest.fixture
def ada(sign_in: SignIn) -> Visitor:
    """An admin, signed in."""
    return sign_in()


@pytest.fixture
def app_cookie() -> str:
    """The name of the session's cookie without TLS."""
    return "callsheet_session"
