"""The running product with one project in it, and an admin's key."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.db import Database
from tests.factories import SECRET, make_character, make_key, make_project
from tests.support.processes import SMALL, Product, running


@dataclass(frozen=True, slots=True)
class Server:
    """Where it answers, and a key that may do everything."""

    url: str
    key: str
    database: Database
    product: Product

    def run(self, *command: str, **variables: str) -> str:
        """Run a command that reads `URL` and `KEY`, and see that it succeeds. What it printed."""
        given = {**os.environ, "URL": f"{self.url}/api/v1", "KEY": self.key, **variables}
        done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home: Path = tmp_path_factory.mktemp("product") / "home"
    with running(home, **SMALL, CALLSHEET_SECRET_KEY=SECRET, CALLSHEET_WEBHOOK_ALLOW_CIDRS="127.0.0.0/8") as product:
        database = Database(f"sqlite:///{home / 'callsheet.db'}")
        make_character(database, make_project(database))
        yield Server(product.url, make_key(database).token, database, product)
        database.dispose()
