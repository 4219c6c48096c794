"""What a process outside the web is made of: database, keys, Redis and a drain, from the same settings."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from domain.artifacts.places import Place
from domain.audit.masking import mask_also
from domain.clock import system_clock
from domain.crypto import Keyring
from domain.db import Database
from domain.forwards.targets import Target
from domain.jobs.kinds import JobKinds
from domain.operations.queries import refuse_wrong_secret_key
from domain.signals import topics_of
from domain.webhooks.addresses import Network
from domain.webhooks.retry import Schedule

from .deliveries import Drain
from .hub import Hub
from .queues import Bell

REDIS_SECONDS = 0.5


class JobSettings(Protocol):
    """The settings that jobs read; `config.Settings` has them."""

    @property
    def database_url(self) -> str: ...
    @property
    def redis_url(self) -> str: ...
    @property
    def secret_key(self) -> bytes: ...
    @property
    def home(self) -> Path: ...
    @property
    def audit_forward(self) -> tuple[Target, ...]: ...
    @property
    def audit_forward_token(self) -> str | None: ...
    @property
    def webhook_schedule(self) -> tuple[int, ...]: ...
    @property
    def webhook_disable_days(self) -> int: ...
    @property
    def webhook_allow_cidrs(self) -> tuple[Network, ...]: ...
    @property
    def audit_days(self) -> Mapping[str, int]: ...
    @property
    def audit_mask_fields(self) -> tuple[str, ...]: ...
    @property
    def replay_per_minute(self) -> int: ...
    @property
    def delivery_days(self) -> int: ...
    @property
    def event_days(self) -> int: ...
    @property
    def attempt_body_days(self) -> int: ...
    @property
    def artifacts(self) -> Place: ...
    @property
    def job_kinds(self) -> JobKinds: ...
    @property
    def job_lease_seconds(self) -> int: ...
    @property
    def job_worker_failures(self) -> int: ...


def spare_collector() -> None:
    """Have the garbage collector look seldom, and never again at what this process is made of.

    It is for what refers to itself, which is little here, and each of its rounds stops every thread: with a thousand
    calls that wait, for 30 to 60 ms. A call took 5 to 9 % less processor time without it, a delivery 10 %. What is
    frozen stays shared with children that are forked later, too.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def quick_redis(url: str) -> Redis:
    """A client that gives up soon: whoever waits for it has a way without Redis."""
    return Redis.from_url(
        url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS, retry=Retry(NoBackoff(), 0)
    )


@dataclass(frozen=True, slots=True)
class Runtime:
    """Made once in each process that delivers."""

    database: Database
    keyring: Keyring
    redis: Redis
    bell: Bell
    settings: JobSettings

    @classmethod
    def build(cls, settings: JobSettings, pool: int = 4) -> Runtime:
        """Connects to the database only to compare the secret key's fingerprint.

        Raises:
            WrongSecretKey: this process could not sign what it delivers.
        """
        mask_also(settings.audit_mask_fields)
        redis = quick_redis(settings.redis_url)
        hub = Hub(redis)
        database = Database(settings.database_url, pool, lambda signals: hub.tell(topics_of(signals)))
        keyring = Keyring(settings.secret_key)
        refuse_wrong_secret_key(database, keyring)
        database.dispose()  # a worker forks: no connection may be shared with its children
        return cls(database, keyring, redis, Bell(redis), settings)

    def drain(self, *, listen: bool) -> int:
        """Deliver what is due; how many attempts were made. `listen`: then wait for rings, a minute in all.

        SIGTERM ends it in good order where this is the main thread.
        """
        return asyncio.run(self._run(self._drain(self.bell if listen else None), listen))

    async def _run(self, drain: Drain, listen: bool) -> int:
        if listen:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, drain.stop)
        return await drain.run()

    def warm_up(self) -> None:
        """Run the delivery's statements once, on nothing: children forked from here find them compiled.

        No connection is left open, for none may be shared with a child.
        """
        try:
            self._drain(None).rehearse()
        finally:
            self.database.dispose()

    def _drain(self, bell: Bell | None) -> Drain:
        schedule = Schedule(self.settings.webhook_schedule)
        allowed = self.settings.webhook_allow_cidrs
        days = self.settings.webhook_disable_days
        disable_after = timedelta(days=days) if days else None
        return Drain(self.database, self.keyring, system_clock, schedule, allowed, bell, disable_after=disable_after)
