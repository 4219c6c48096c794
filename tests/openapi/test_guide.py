"""docs/api.md: every snippet does what it says, in the order in which it is read."""

from __future__ import annotations

import sys

import pytest

from tests.openapi.conftest import Server
from tests.support.snippets import blocks, program

pytestmark = pytest.mark.e2e
PAGE = "api.md"


def test_the_curl_lines_work(server: Server) -> None:
    told = server.run("bash", "-c", "set -euo pipefail\n" + program(PAGE, "sh"))
    assert '"decision":"approved"' in told


def test_the_python_works(server: Server) -> None:
    told = server.run(sys.executable, "-c", program(PAGE, "python"))
    assert "/nmae unknown_field" in told


def test_it_knows_no_other_language() -> None:
    """What is in another is run by no test."""
    assert {word for word, _ in blocks(PAGE)} == {"sh", "python"}
