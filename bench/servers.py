"""The two servers that a ratio is made of: the product's web server and a bare Flask, run the same way."""

from __future__ import annotations

import itertools
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import requests

from bench.bare import BODIES_VARIABLE
from config import ROOT, Settings
from deploy import redis_server
from deploy.programs import web
from domain.db import Database
from tests.factories import SECRET, make_character, make_key, make_project
from tests.support.databases import PostgresqlDatabases, SqliteDatabases
from tests.support.processes import environment, free_port
from tests.support.servers import postgresql_process, server_process
from tests.support.waiting import wait_until

PAGE = 50
CHARACTERS = 400  # so many that no two decisions about one of them are under way at once
PLENTY = 1_000_000  # calls a minute


@dataclass(frozen=True, slots=True)
class Side:
    """A running server and what is sent to it."""

    port: int
    one: bytes
    page: bytes


@dataclass(frozen=True, slots=True)
class Pair:
    """Both sides, and the product's writes: decisions that alternate, so that each changes something."""

    product: Side
    bare: Side
    writes: Iterator[bytes]


@contextmanager
def pair(kind: str) -> Iterator[Pair]:
    """Both servers, one process each, with the threads that the product has; the product over a durable `kind`."""
    with tempfile.TemporaryDirectory(prefix="callsheet-bench-") as folder, durable_database(kind, Path(folder)) as url:
        home = Path(folder)
        database = Database(url)
        token = make_key(database, read_per_minute=PLENTY, write_per_minute=PLENTY).token
        project = make_project(database)
        ids = [make_character(database, project)["id"] for _ in range(CHARACTERS)]
        database.dispose()
        given = {"CALLSHEET_SECRET_KEY": SECRET, "DATABASE_URL": url}
        with (
            durable_redis(home) as redis_url,
            served(home / "product", "wsgi:app", {**given, "REDIS_URL": redis_url}) as port,
        ):
            product = _side(port, token, ids[0])
            _keep_bodies(product, token, ids[0], home)
            with served(home / "bare", "bench.bare:app", {BODIES_VARIABLE: folder}) as bare_port:
                yield Pair(product, _side(bare_port, token, ids[0]), decisions(port, token, ids))


@contextmanager
def durable_database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty one, set up as in use; SQLite's file is in `folder`."""
    if kind == "sqlite":
        with SqliteDatabases(folder).fresh() as url:
            yield url
        return
    with postgresql_process(durable=True) as cluster, PostgresqlDatabases(cluster).fresh() as url:
        yield url


@contextmanager
def durable_redis(folder: Path) -> Iterator[str]:
    """The URL of a Redis as the product starts it, with its files in `folder`."""
    socket = folder / "redis.sock"
    with server_process(redis_server.command(socket, folder), folder / "redis.log", signal.SIGTERM):
        wait_until(socket.exists, 30, "Redis does not answer")
        yield f"unix://{socket}"


@contextmanager
def served(home: Path, application: str, given: dict[str, str]) -> Iterator[int]:
    """granian as the product runs it, with one process; its port."""
    port = free_port()
    small = {"PORT": str(port), "CALLSHEET_WEB_WORKERS": "1", "CALLSHEET_DEMO": "0", "PYTHONPATH": str(ROOT)}
    chosen = environment(home, **small, **given)
    command = web(Settings.from_env(chosen), application)
    with server_process(command, home.with_suffix(".log"), signal.SIGTERM, env=chosen):
        wait_until(lambda: _answers(port), 30, f"{application} does not answer")
        yield port


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code < 500
    except requests.ConnectionError:
        return False


def _side(port: int, token: str, character_id: str) -> Side:
    return Side(
        port,
        request(port, "GET", f"/characters/{character_id}", token),
        request(port, "GET", f"/characters?limit={PAGE}", token),
    )


def decisions(port: int, token: str, ids: Sequence[str]) -> Iterator[bytes]:
    """Without an end, each about another character than the last."""
    for decision in itertools.cycle(("approved", "rejected")):
        for character_id in ids:
            yield request(port, "POST", f"/characters/{character_id}/approvals", token, {"decision": decision})


def request(port: int, method: str, path: str, token: str, body: object = None) -> bytes:
    content = b"" if body is None else orjson.dumps(body)
    headers = [f"{method} /api/v1{path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Authorization: Bearer {token}",
               "User-Agent: bench", "Accept: application/json"]  # fmt: skip
    if content:
        headers += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*headers, "", ""]).encode() + content


def _keep_bodies(product: Side, token: str, character_id: str, folder: Path) -> None:
    """What the product answers, for the bare side to answer the same."""
    for name, path in (("one", f"/{character_id}"), ("page", f"?limit={PAGE}")):
        url = f"http://127.0.0.1:{product.port}/api/v1/characters{path}"
        answer = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10)
        assert answer.status_code == 200, answer.text
        (folder / name).write_bytes(answer.content)
