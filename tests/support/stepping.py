"""`python -m tests.support.stepping DATABASE_URL REDIS_URL BASE`: steps replays until it is killed.

Its clock runs a thousand times as fast as time does, from BASE (RFC 3339) on, so that every step is due at once.
"""

from __future__ import annotations

import sys
from datetime import datetime

from redis import Redis

from domain.clock import parse_rfc3339, system_clock
from domain.db import Database
from domain.replays.commands import Terms
from jobs.queues import Bell
from jobs.replays import Replays

SPEED = 1000


def main(database_url: str, redis_url: str, base: str) -> None:
    """Never returns."""
    began = parse_rfc3339(base)

    def clock() -> datetime:
        return began + (system_clock() - began) * SPEED

    replays = Replays(Database(database_url), Bell(Redis.from_url(redis_url)), clock, Terms(60_000, 0))
    while True:
        replays.round()


if __name__ == "__main__":
    main(*sys.argv[1:])
