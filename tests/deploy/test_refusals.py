"""A start that cannot succeed: one sentence that names what to change, and nothing left behind."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import LAUNCH, SMALL, Product, free_port, run, running

pytestmark = pytest.mark.e2e

REFUSED = {
    "a port that is no number": ({"PORT": "http"}, "PORT must be a whole number"),
    "a port out of range": ({"PORT": "70000"}, "PORT must be a whole number"),
    "a host that is not here": ({"CALLSHEET_HOST": "192.0.2.1"}, "CALLSHEET_HOST must be an address of this machine"),
    "two servers on one port": (
        {"PORT": "8010", "CALLSHEET_DEMO_RECEIVER_PORT": "8010"},
        "PORT and CALLSHEET_DEMO_RECEIVER_PORT must differ",
    ),
    "a database of another kind": ({"DATABASE_URL": "mysql://localhost/x"}, "DATABASE_URL must be a URL"),
    "a database port that is no number": ({"DATABASE_URL": "postgresql://u@h:x/d"}, "DATABASE_URL must be a URL"),
    "a database that does not answer": (
        {"DATABASE_URL": "postgresql://u:hidden@127.0.0.1:1/d"},
        "DATABASE_URL must name a database that answers",
    ),
    "a database file in no folder": ({"DATABASE_URL": "sqlite:////no/such/d.db"}, "DATABASE_URL must name a database"),
    "a Redis address that is none": ({"REDIS_URL": "localhost:6379"}, "REDIS_URL must be a URL"),
    "a Redis that does not answer": ({"REDIS_URL": "redis://127.0.0.1:1"}, "REDIS_URL must name a Redis that answers"),
    "a home that cannot be made": ({"CALLSHEET_HOME": "/proc/home"}, "CALLSHEET_HOME must be a folder"),
    "a secret that is too short": ({"CALLSHEET_SECRET_KEY": "short"}, "CALLSHEET_SECRET_KEY must be at least 32"),
    "a setting that is none": ({"CALLSHEET_PROT": "1"}, "CALLSHEET_PROT is not a setting"),
}


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def _assert_refused(home: Path, sentence: str, **settings: str) -> None:
    ports = {"PORT": str(free_port()), "CALLSHEET_DEMO_RECEIVER_PORT": str(free_port())}
    result = run(home, *LAUNCH, **{**ports, **settings})

    assert result.stderr.startswith(sentence) or result.stdout.startswith(sentence)
    assert (result.stdout + result.stderr).count("\n") == 1
    assert "hidden" not in result.stdout + result.stderr
    assert result.returncode == 2
    Product.assert_nothing_is_left(_ended(home))


def _ended(home: Path) -> Product:
    """A view of a start that has ended."""
    product = Product.__new__(Product)
    product.home = home
    return product


@pytest.mark.parametrize(("settings", "sentence"), REFUSED.values(), ids=REFUSED)
def test_it_refuses_a_bad_setting(home: Path, settings: dict[str, str], sentence: str) -> None:
    _assert_refused(home, sentence, **settings)


@pytest.mark.parametrize("variable", ["PORT", "CALLSHEET_DEMO_RECEIVER_PORT"])
def test_it_refuses_a_port_in_use(home: Path, taken_port: int, variable: str) -> None:
    _assert_refused(home, f"{variable} must be a free port; {taken_port}", **{variable: str(taken_port)})


def test_it_refuses_a_second_start_in_one_home_and_later_another_secret_key(home: Path) -> None:
    with running(home, **SMALL):
        second = run(home, *LAUNCH, PORT=str(free_port()), CALLSHEET_DEMO_RECEIVER_PORT=str(free_port()))
    _assert_refused(home, "CALLSHEET_SECRET_KEY", CALLSHEET_SECRET_KEY="x" * 40)

    assert second.stderr == f"CALLSHEET_HOME {home} is already in use by another `make run`.\n"
    assert second.returncode == 2


def test_a_migration_that_fails_ends_the_start_with_its_reason(home: Path) -> None:
    home.mkdir()
    with sqlite3.connect(home / "callsheet.db") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES ('from_the_future')")
    connection.close()

    product = Product(home)

    assert product.wait(30) == 1
    assert "from_the_future" in product.output.splitlines()[-1]
    product.assert_nothing_is_left()


def test_a_web_server_that_cannot_start_ends_the_start(home: Path) -> None:
    product = Product(home, **SMALL, GRANIAN_LOOP="nonsense")

    assert product.wait(60) == 1
    assert "nonsense" in product.output
    assert product.output.splitlines()[-1].startswith("The web server ended before it was ready")
    product.assert_nothing_is_left()
