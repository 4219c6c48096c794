"""The API of a running product, as a studio's script uses it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import requests

from config import ROOT
from tests.support.processes import Product


class Script:
    """A session with a key that the command line made."""

    def __init__(self, product: Product, *, role: str = "admin", scope: str = "full") -> None:
        command = (
            "-m",
            "flask",
            "--app",
            "wsgi",
            "keys",
            "create",
            "--name",
            "Script",
            "--role",
            role,
            "--scope",
            scope,
        )
        limits = ("--read-per-minute", "100000", "--write-per-minute", "100000")
        made = subprocess.run(
            [sys.executable, *command, *limits], cwd=ROOT, env=product.environment, capture_output=True, text=True
        )
        assert made.returncode == 0, made.stderr
        self.key = made.stdout.strip()
        self.base = f"{product.url}/api/v1"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {self.key}"

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        answer = self.session.get(f"{self.base}{path}", params=parameters, timeout=20)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.session.post(f"{self.base}{path}", json=body, timeout=20)
        assert answer.status_code in (201, 202), answer.text
        found: dict[str, Any] = answer.json()["data"]
        return found

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.session.patch(f"{self.base}{path}", json=body, timeout=20)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["data"]
        return found

    def pages(self, path: str, **parameters: Any) -> list[dict[str, Any]]:
        """Every object of a list."""
        found, cursor = [], None
        while True:
            page = self.get(path, limit=200, **parameters, **({"cursor": cursor} if cursor else {}))
            found += page["data"]
            cursor = page["page"]["next"]
            if cursor is None:
                return found

    def decide(self, segment: dict[str, Any], decision: str) -> None:
        self.post(f"/segments/{segment['id']}/approvals", {"decision": decision})
