"""Limits hold when many processes count at once, and when Redis is killed while they do."""

from __future__ import annotations

import http.client
import itertools
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from config import ROOT
from deploy import redis_server
from domain.db import Database
from tests.factories import SECRET, make_key
from tests.support.processes import Product
from tests.support.waiting import wait_until

pytestmark = pytest.mark.torture
PROCESSES, SECONDS = 8, 4
HAMMER = """
import sys, time
from api.limits import RedisLimiter
from domain.db import Database
from jobs.runtime import quick_redis
url, database, seconds, bucket, limit = sys.argv[1:]
limiter = RedisLimiter(quick_redis(url), Database(database))
limiter.take(bucket + " warm", 1)
print("ready", flush=True)
sys.stdin.readline()
end, admitted = time.time() + float(seconds), 0
while time.time() < end:
    admitted += limiter.take(bucket, int(limit)).allowed
print(admitted, flush=True)
"""


@pytest.mark.parametrize("away", [False, True], ids=["redis", "without redis"])
def test_eight_processes_admit_what_one_would(database_url: str, redis_url: str, away: bool) -> None:
    # Few enough for a slow machine to use up.
    limit, bucket = 60 if away else 600, f"hammered {time.time()}"
    url = "unix:///nowhere/redis.sock" if away else redis_url
    command = [sys.executable, "-c", HAMMER, url, database_url, str(SECONDS), bucket, str(limit)]
    pipe = subprocess.PIPE
    hammers = [subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) for _ in range(PROCESSES)]
    for hammer in hammers:
        assert hammer.stdout is not None
        assert hammer.stdout.readline() == "ready\n"
    began = time.time()
    answers = _let_go(hammers)
    lasted = time.time() - began
    total = sum(answers)
    print(f"{PROCESSES} processes were admitted {total} times: {answers}")
    # They end within the time that starting and reporting took: what came in during that may or may not be used.
    assert limit + limit / 60 * (SECONDS - 1) - 1 <= total <= limit + limit / 60 * lasted + 1


def _let_go(hammers: list[subprocess.Popen[str]]) -> list[int]:
    for hammer in hammers:
        assert hammer.stdin is not None
        hammer.stdin.write("go\n")
        hammer.stdin.flush()
    return [int(hammer.communicate()[0]) for hammer in hammers]


class KillableRedis:
    """A Redis that keeps nothing, at one socket, started and killed at will."""

    def __init__(self, folder: Path) -> None:
        socket = folder / "redis.sock"
        self.url = f"unix://{socket}"
        self._command = redis_server.command(socket, folder, durable=False)

    @contextmanager
    def up(self) -> Iterator[None]:
        """While it runs; at the end it is killed in the middle of whatever it does."""
        process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            with redis.Redis.from_url(self.url) as client:
                wait_until(lambda: _answers(client), 20, "Redis does not answer")
            yield
        finally:
            process.kill()
            process.wait(10)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


class Hammering:
    """Callers with one key, as fast as they are answered, until told to stop."""

    def __init__(self, product: Product, token: str, callers: int) -> None:
        self._product, self._token = product, token
        self._stopped = threading.Event()
        self.statuses: Counter[int] = Counter()
        self._threads = [threading.Thread(target=self._call) for _ in range(callers)]
        self.began = time.monotonic()
        for thread in self._threads:
            thread.start()

    def wait_for(self, calls: int, seconds: float = 60) -> None:
        """Until so many more are answered."""
        before = self.statuses.total()
        wait_until(lambda: self.statuses.total() >= before + calls, seconds, lambda: f"answered: {self.statuses}")

    def stop(self) -> float:
        """How long it was, in seconds."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        return time.monotonic() - self.began

    def _call(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._product.port, timeout=30)
        for _ in itertools.takewhile(lambda _: not self._stopped.is_set(), itertools.count()):
            connection.request("GET", "/api/v1/projects?limit=1", headers={"Authorization": f"Bearer {self._token}"})
            response = connection.getresponse()
            response.read()
            self.statuses[response.status] += 1
        connection.close()


def test_redis_is_killed_under_load(database_url: str, home: Path, tmp_path: Path) -> None:
    """Killed twice and started again: no 5xx, no burst anew at any change, and nobody had to restart anything."""
    store, limit = KillableRedis(tmp_path), 300
    settings = {"DATABASE_URL": database_url, "CALLSHEET_SECRET_KEY": SECRET, "CALLSHEET_DEMO": "0"}
    database = Database(database_url)
    with store.up():
        product = Product(home, REDIS_URL=store.url, CALLSHEET_WEB_WORKERS="4", **settings)
        product.wait_until_ready()
    try:
        with store.up():
            product.wait_until_answering()
            web = product.pid("web")
            hammering = Hammering(product, make_key(database, read_per_minute=limit).token, 8)
            hammering.wait_for(2 * limit)
        hammering.wait_for(2 * limit)
        with store.up():
            hammering.wait_for(2 * limit)
        hammering.wait_for(2 * limit)
        with store.up():
            hammering.wait_for(2 * limit)
            lasted = hammering.stop()
            product.wait_until_answering()
        check(hammering.statuses, limit, lasted)
        assert product.pid("web") == web
        product.stop()
    finally:
        product.kill_everything()
        database.dispose()


def check(statuses: Counter[int], limit: int, lasted: float) -> None:
    """Nothing but 200 and 429, and no more of 200 than a tenth over what one Redis would have admitted."""
    would = limit + limit / 60 * lasted
    ratio = statuses[200] / would
    print(f"{dict(statuses)} in {lasted:.1f} s: {ratio:.3f} of what Redis would have admitted")
    assert set(statuses) == {200, 429}
    assert 0.9 <= ratio <= 1.1
