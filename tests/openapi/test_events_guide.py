"""docs/events.md: every snippet does what it says, in the order in which it is read."""

from __future__ import annotations

import sys

import pytest

from tests.factories import make_event
from tests.openapi.conftest import Server
from tests.support.snippets import blocks, program

pytestmark = pytest.mark.e2e
PAGE = "events.md"


@pytest.fixture(autouse=True)
def happened(server: Server) -> None:
    """What the page is about."""
    for event_type in ("scene.created", "asset.approved", "metadata.updated"):
        make_event(server.database, event_type)


def test_the_curl_lines_work(server: Server) -> None:
    told = server.run("bash", "-c", "set -euo pipefail\n" + program(PAGE, "sh"))
    assert '"type":"' in told
    assert "retry: 2000" in told


def test_the_python_works(server: Server) -> None:
    told = server.run(sys.executable, "-c", program(PAGE, "python"))
    assert "asset.approved" in told
    assert "the first was " in told


def test_it_knows_no_other_language() -> None:
    """What is in another is run by no test."""
    assert {word for word, _ in blocks(PAGE)} == {"sh", "python"}
