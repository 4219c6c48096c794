"""Empty, migrated databases, one for each test that asks: a copy of one that was migrated once."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import redis
from psycopg import sql
from sqlalchemy.engine import make_url

from domain.db import Database
from domain.tables import metadata
from migrations.run import upgrade
from tests.support.servers import postgresql_process, redis_process

_numbers = itertools.count(1)
_CLAIM = "callsheet:tests"
# In one go: for each of thousands of tests.
_DELETIONS = "".join(f"DELETE FROM {table.name};" for table in reversed(metadata.sorted_tables))


class SqliteDatabases:
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / "template.db"
        _migrate(self._url(self._template))

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The URL of an empty, migrated database that lives as long as the context."""
        path = self._folder / f"{next(_numbers)}.db"
        shutil.copyfile(self._template, path)
        yield self._url(path)
        for leftover in self._folder.glob(f"{path.name}*"):
            leftover.unlink()

    @staticmethod
    def _url(path: Path) -> str:
        return f"sqlite:///{path}"


class PostgresqlDatabases:
    """Databases of one cluster. `url` names any of them, as a superuser.

    A used database is emptied and used again: deleting every row takes 3 ms, a new copy of the template 80 to 350.
    """

    def __init__(self, url: str) -> None:
        self._url = url.replace("postgresql+psycopg://", "postgresql://")
        self._prefix = f"callsheet_test_{os.getpid()}"
        self._template = f"{self._prefix}_template"
        self._made: list[str] = []
        self._idle: list[str] = []
        self._create("CREATE DATABASE {}", self._template)
        _migrate(self._url_of(self._template))

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The URL of an empty, migrated database that lives as long as the context."""
        if not self._idle:
            name = f"{self._prefix}_{next(_numbers)}"
            self._create("CREATE DATABASE {} TEMPLATE {}", name, self._template)
            self._idle.append(name)
        name = self._idle.pop()
        yield self._url_of(name)
        self._empty(name)
        self._idle.append(name)

    def bare(self) -> str:
        """The URL of a new database without any table."""
        name = f"{self._prefix}_{next(_numbers)}"
        self._create("CREATE DATABASE {}", name)
        return self._url_of(name)

    def close(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            for name in self._made:
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _create(self, statement: str, *names: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
        self._made.append(names[0])

    def _empty(self, name: str) -> None:
        url = self._url_of(name).replace("+psycopg", "")
        with psycopg.connect(url, options="-c session_replication_role=replica") as connection:  # no foreign keys
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            connection.execute(_DELETIONS.encode())
            # Numbers begin anew as well, or what a test sees would depend on those that ran before it.
            connection.execute("SELECT setval(seqrelid, seqstart, false) FROM pg_sequence")

    def _url_of(self, name: str) -> str:
        url = make_url(self._url).set(drivername="postgresql+psycopg", database=name)
        return url.render_as_string(hide_password=False)


def empty(database: Database) -> None:
    """Delete every row."""
    with closing(database.engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
        if database.is_sqlite:
            cursor.executescript(f"BEGIN IMMEDIATE;{_DELETIONS}COMMIT")
        else:
            cursor.execute(_DELETIONS)


def _migrate(url: str) -> None:
    database = Database(url)
    upgrade(database)
    database.dispose()


@contextmanager
def postgresql() -> Iterator[PostgresqlDatabases]:
    """On the server of DATABASE_URL when that is PostgreSQL, else on one of our own."""
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith("postgres"):
        databases = PostgresqlDatabases("postgresql://" + given.partition("://")[2])
        try:
            yield databases
        finally:
            databases.close()
        return
    with postgresql_process() as url:
        yield PostgresqlDatabases(url)


@contextmanager
def redis_database() -> Iterator[str]:
    """The URL of an empty Redis database of our own: on the server of REDIS_URL, else on one of our own."""
    given = os.environ.get("REDIS_URL")
    if not given:
        with redis_process() as url:
            yield url
        return
    with redis.Redis.from_url(given) as server:
        number = next((number for number in range(1, 16) if _claim(server, given, number)), None)
        assert number, "REDIS_URL must name a Redis that has an empty database among 1 to 15."
        yield _numbered(given, number)
        with redis.Redis.from_url(_numbered(given, number)) as client:
            client.flushdb()
        server.delete(f"{_CLAIM}:{number}")


def _numbered(url: str, number: int) -> str:
    """The same server's database `number`; the query counts for more than the path."""
    return url + ("&" if "?" in url else "?") + f"db={number}"


def _claim(server: redis.Redis, url: str, number: int) -> bool:
    """Take a database for our own if it is empty. Sessions that start together each find another."""
    with redis.Redis.from_url(_numbered(url, number)) as client:
        return client.dbsize() == 0 and bool(server.set(f"{_CLAIM}:{number}", os.getpid(), nx=True, ex=3600))
