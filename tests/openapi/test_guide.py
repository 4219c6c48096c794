"""docs/api.md: every snippet does what it says, in the order in which it is read."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from config import ROOT
from tests.openapi.conftest import Server

pytestmark = pytest.mark.e2e
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def snippets(language: str) -> str:
    """Every block in this language, as one program."""
    found = [text for word, text in _BLOCK.findall((ROOT / "docs" / "api.md").read_text()) if word == language]
    assert len(found) > 3
    return "\n".join(found)


def run(server: Server, *command: str) -> str:
    environment = {**os.environ, "URL": f"{server.url}/api/v1", "KEY": server.key}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_curl_lines_work(server: Server) -> None:
    told = run(server, "bash", "-c", "set -euo pipefail\n" + snippets("sh"))
    assert '"decision":"approved"' in told


def test_the_python_works(server: Server) -> None:
    told = run(server, sys.executable, "-c", snippets("python"))
    assert "/nmae unknown_field" in told


def test_it_knows_no_other_language() -> None:
    """What is in another is run by no test."""
    assert {word for word, _ in _BLOCK.findall((ROOT / "docs" / "api.md").read_text())} == {"sh", "python"}
