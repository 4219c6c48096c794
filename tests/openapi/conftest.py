"""The running product with one project in it, and an admin's key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.db import Database
from tests.factories import SECRET, make_character, make_key, make_project
from tests.support.processes import SMALL, running


@dataclass(frozen=True, slots=True)
class Server:
    """Where it answers, and a key that may do everything."""

    url: str
    key: str


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home: Path = tmp_path_factory.mktemp("product") / "home"
    with running(home, **SMALL, CALLSHEET_SECRET_KEY=SECRET) as product:
        database = Database(f"sqlite:///{home / 'callsheet.db'}")
        make_character(database, make_project(database))
        key = make_key(database).token
        database.dispose()
        yield Server(product.url, key)
