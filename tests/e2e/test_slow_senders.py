"""Whoever sends slowly, or nothing, keeps nobody from working: neither strangers nor workers with large files."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.client import Script
from tests.support.processes import SMALL, running

pytestmark = pytest.mark.e2e

BEGUN = "POST {path} HTTP/1.1\r\nHost: callsheet\r\nContent-Type: {media_type}\r\nContent-Length: 1000\r\n\r\n{{"
SLOW = (("/api/v1/leaked-keys", "application/json"), ("/portal/login", "application/x-www-form-urlencoded"))


def test_it_works(home: Path) -> None:
    """More of them than threads that work."""
    with running(home, **SMALL, CALLSHEET_WEB_THREADS="2") as product, ExitStack() as opened:
        script = Script(product)
        address = urlsplit(script.base)
        for path, media_type in SLOW * 3:
            sender = opened.enter_context(socket.create_connection((address.hostname, address.port)))
            sender.sendall(BEGUN.format(path=path, media_type=media_type).encode())
        for _ in range(5):
            assert script.session.get(f"{script.base}/me", timeout=10).status_code == 200
