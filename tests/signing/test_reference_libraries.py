"""Our signatures at receivers built on the reference libraries of Standard Webhooks, in Python and for Node.js."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Self

import pytest
import standardwebhooks.webhooks
from standardwebhooks import Webhook

from tests.signing.cases import CASES, Case

HERE = Path(__file__).parent


def stopped_at(now: int) -> type[datetime]:
    """The clock of a receiver."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(now, tz or UTC)

    return Stopped


def accepts(case: Case) -> bool:
    try:
        Webhook(case.secret).verify(case.body, case.headers)
    except Exception:
        return False
    return True


@pytest.mark.parametrize("name", CASES)
def test_in_python(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    case = CASES[name]
    monkeypatch.setattr(standardwebhooks.webhooks, "datetime", stopped_at(case.now))
    assert accepts(case) == case.good


@pytest.mark.npm
def test_for_node() -> None:
    """Needs what `make signatures` installs."""
    given = json.dumps([case.shown() for case in CASES.values()])
    run = subprocess.run(
        ["node", "verify.mjs"], cwd=HERE, input=given, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    found = dict(zip(CASES, json.loads(run.stdout), strict=True))
    assert found == {name: case.good for name, case in CASES.items()}
