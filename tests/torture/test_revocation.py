"""What ends a key, or one of its secrets, ends it at once: no process accepts a call that began after the answer."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.db import Database
from tests.factories import SECRET, Key, make_character, make_key, make_project
from tests.support.caller import Caller
from tests.support.crowd import Crowd
from tests.support.processes import Product, run, running

pytestmark = pytest.mark.torture
PROCESSES, CALLERS = 8, 32
BEFORE, AFTER = 4, 4  # calls of each caller
SETTINGS = ("DATABASE_URL", "CALLSHEET_SECRET_KEY")  # of the product, which the command line needs as well
REFUSALS = {401, 429}  # refused keys count for their address, which is soon at its limit


@dataclass(frozen=True)
class Scene:
    """The running product, and an admin who ends keys."""

    product: Product
    database: Database
    admin: str
    path: str

    def ask(self, key: Key, action: str, body: object = None) -> None:
        """`POST /api-keys/{id}/…`, answered."""
        text = json.dumps(body or {}).encode()
        with Caller(self.product.port, self.admin) as caller:
            reply = caller.call(f"{action} {key.id}", "POST", f"/api/v1/api-keys/{key.id}/{action}", text)
        assert reply is not None
        assert reply.status == 200, reply.body

    def command(self, *words: str) -> None:
        """`flask keys …`, carried out by a process of its own."""
        home, settings = self.product.home, {name: self.product.environment[name] for name in SETTINGS}
        done = run(home, sys.executable, "-m", "flask", "--app", "wsgi", "keys", *words, **settings)
        assert done.returncode == 0, done.stderr


# How a key ends, and how often it is tried.
ENDS: dict[str, tuple[int, Callable[[Scene, Key], None]]] = {
    "revoked": (6, lambda scene, key: scene.ask(key, "revoke")),
    "suspended": (6, lambda scene, key: scene.ask(key, "suspend")),
    "rotated": (6, lambda scene, key: scene.ask(key, "rotate", {"grace_seconds": 0})),
    "revoked by the command line": (2, lambda scene, key: scene.command("revoke", key.id)),
    "rotated by the command line": (2, lambda scene, key: scene.command("rotate", key.id, "--grace-seconds", "0")),
}


@contextmanager
def scene_of(database_url: str, home: Path) -> Iterator[Scene]:
    settings = {"DATABASE_URL": database_url, "CALLSHEET_SECRET_KEY": SECRET, "CALLSHEET_DEMO": "0"}
    database = Database(database_url)
    with running(home, CALLSHEET_WEB_WORKERS=str(PROCESSES), **settings) as product:
        path = f"/api/v1/characters/{make_character(database, make_project(database))['id']}"
        yield Scene(product, database, make_key(database).token, path)
        product.stop()
    database.dispose()


def test_no_call_is_accepted_that_began_after_the_end(database_url: str, home: Path) -> None:
    with scene_of(database_url, home) as scene:
        served: set[int] = set()
        for name, (rounds, end) in ENDS.items():
            late = sum(play(scene, end, served) for _ in range(rounds))
            print(
                f"\n{scene.database.engine.dialect.name}, {name}, {rounds} times: {late} calls began after it", end=""
            )
    assert len(served) == PROCESSES, "not every process was called"


def play(scene: Scene, end: Callable[[Scene, Key], None], served: set[int]) -> int:
    """End a key that everybody calls with; how many calls began afterwards, every one of them refused."""
    key = make_key(scene.database)
    with Crowd(scene.product, key.token, scene.path, CALLERS) as crowd:
        crowd.wait_for_each(BEFORE, since=0.0)
        served |= crowd.processes()
        begun = time.monotonic()
        end(scene, key)
        ended = time.monotonic()
        crowd.wait_for_each(AFTER, since=ended)
    assert all(call.accepted for call in crowd.noted if call.ended < begun), "a call was refused before the end"
    late = [call for call in crowd.noted if call.began > ended]
    assert not [call for call in late if call.accepted]
    assert {call.status for call in late} <= REFUSALS
    return len(late)
