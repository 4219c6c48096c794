"""docs/jobs.md: its calls and its worker, as printed."""

from __future__ import annotations

import sys

import pytest

from tests.openapi.conftest import Server
from tests.support.snippets import blocks, program

pytestmark = pytest.mark.e2e
PAGE = "jobs.md"


def test_the_curl_lines_and_then_the_worker_work(server: Server) -> None:
    told = server.run("bash", "-c", "set -euo pipefail\n" + program(PAGE, "sh"))
    assert '"error":{"code":"out_of_memory","message":""}' in told
    told = server.run(sys.executable, "-c", program(PAGE, "python"))
    assert told.splitlines() == ["generate succeeded", "render succeeded"]


def test_it_knows_no_other_language() -> None:
    """What is in another is run by no test."""
    assert {word for word, _ in blocks(PAGE)} == {"sh", "python"}
