"""docs/events.md: every snippet does what it says, in the order in which it is read."""

from __future__ import annotations

import sys

import pytest

from tests.factories import make_event
from tests.openapi.conftest import Server
from tests.support.snippets import blocks, program
from tests.support.victims import web_processes

pytestmark = pytest.mark.e2e
PAGE = "events.md"
# Goes on where the page ends: the web server dies while it follows, and something happens as soon as another is there.
CUT_OFF = """
import os, signal

told = follow(cursor)
next(told)
next(told)
os.kill(int(os.environ["WEB"]), signal.SIGKILL)
made = None
while made is None:
    try:
        made = answered(studio.post(f"{URL}/projects", json={"name": "After the cut"}, timeout=5))["data"]
    except requests.RequestException:
        time.sleep(0.1)
event = next(event for _, event in told if event["type"] == "project.created")
print("after the cut came", event["data"]["name"], event["data"]["id"] == made["id"])
"""


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


def test_the_python_bears_a_stream_that_is_cut(server: Server) -> None:
    _, (web, *_) = web_processes(server.product)
    told = server.run(sys.executable, "-c", program(PAGE, "python") + CUT_OFF, WEB=str(web))
    assert "after the cut came After the cut True" in told


def test_it_knows_no_other_language() -> None:
    """What is in another is run by no test."""
    assert {word for word, _ in blocks(PAGE)} == {"sh", "python"}
