"""What the tests of jobs share: a runtime over the test's database and Redis, and a webhook to a local receiver."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from sqlalchemy import RowMapping, select

from domain.access import SYSTEM
from domain.artifacts.places import Folder, Place
from domain.clock import system_clock
from domain.crypto import Keyring
from domain.db import Database
from domain.deliveries.models import webhook_attempts, webhook_deliveries
from domain.events.commands import Context, Happening, record_events
from domain.events.examples import example_data
from domain.forwards.targets import Target
from domain.jobs.kinds import BUILT_IN_KINDS, JobKinds
from domain.webhooks.commands import create_webhook
from domain.webhooks.models import webhooks
from domain.webhooks.rules import NewWebhook
from jobs.queues import Bell
from jobs.runtime import Runtime
from tests.support.receiver import Receiver, receiver

NO_FOLDER = Folder(Path("/nowhere"))
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@dataclass(frozen=True)
class JobSettings:
    """The settings that a runtime reads."""

    database_url: str
    redis_url: str
    secret_key: bytes = b"x" * 32
    webhook_schedule: tuple[int, ...] = (0, 5, 300)
    webhook_disable_days: int = 5
    webhook_allow_cidrs: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = LOOPBACK
    audit_days: Mapping[str, int] = field(default_factory=dict)
    audit_mask_fields: tuple[str, ...] = ()
    replay_per_minute: int = 60_000
    delivery_days: int = 0
    event_days: int = 0
    attempt_body_days: int = 0
    home: Path = Path("/nowhere")  # of a test that seals nothing
    audit_forward: tuple[Target, ...] = ()
    audit_forward_token: str | None = None
    artifacts: Place = NO_FOLDER
    job_kinds: JobKinds = field(default_factory=lambda: BUILT_IN_KINDS)
    job_lease_seconds: int = 60
    job_worker_failures: int = 2


@dataclass(frozen=True)
class Stage:
    """A runtime, a receiver, and the few things that tests do with them."""

    runtime: Runtime
    receiver: Receiver

    @property
    def database(self) -> Database:
        return self.runtime.database

    def webhook(self, url: str | None = None, event_types: tuple[str, ...] = ("asset.*",)) -> tuple[str, str]:
        """Register a webhook; its id and secret."""
        wanted = NewWebhook(url=url or self.receiver.url, event_types=event_types)
        with self.database.transaction() as session:
            made, secret = create_webhook(session, self.context(), self.runtime.keyring, wanted, lambda _: None)
            return made, secret or ""

    def events(self, count: int, event_type: str = "asset.approved") -> list[str]:
        """Record events in one transaction; their ids."""
        example, changes = example_data(event_type)
        happening = Happening(event_type, None, {**example, "name": "Mara – ångström"}, changes)
        with self.database.transaction() as session:
            return [record_events(session, self.context(), [happening])[0] for _ in range(count)]

    def context(self) -> Context:
        return Context(SYSTEM, system_clock(), "req_test")

    def drain(self) -> int:
        return self.runtime.drain(listen=False)

    def deliveries(self) -> list[RowMapping]:
        with self.database.reading() as session:
            return list(session.execute(select(webhook_deliveries).order_by(webhook_deliveries.c.id)).mappings())

    def delivery(self) -> RowMapping:
        (only,) = self.deliveries()
        return only

    def attempts(self) -> list[RowMapping]:
        with self.database.reading() as session:
            return list(session.execute(select(webhook_attempts).order_by(webhook_attempts.c.number)).mappings())

    def webhook_row(self) -> RowMapping:
        with self.database.reading() as session:
            return session.execute(select(webhooks)).mappings().one()


@pytest.fixture
def settings(database_url: str, redis_url: str, home: Path) -> JobSettings:
    return JobSettings(database_url, redis_url, home=home, artifacts=Folder(home / "artifacts"))


@pytest.fixture
def stage(settings: JobSettings, redis_client: redis.Redis) -> Iterator[Stage]:
    runtime = Runtime.build(settings)
    with receiver() as listening:
        yield Stage(runtime, listening)
    runtime.database.dispose()
    runtime.redis.close()


@pytest.fixture
def bell(redis_url: str, redis_client: redis.Redis) -> Iterator[Bell]:
    with redis.Redis.from_url(redis_url) as client:
        yield Bell(client)


@pytest.fixture
def keyring() -> Keyring:
    return Keyring(b"x" * 32)


@pytest.fixture
def at() -> Callable[[str], datetime]:
    return lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC)
