"""`python -m bench waiting` runs, and prints believable figures for every load."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from config import ROOT

pytestmark = pytest.mark.e2e
_SHORT = ("--rounds", "1", "--seconds", "0.5", "--streams", "5", "--polls", "5", "--database", "sqlite")
_LINE = re.compile(
    r"sqlite +(read|write) +at 50% of (\d+)/s: p99 ([\d.]+) ms \(.*\) alone, ([\d.]+) ms \(.*\) beside 5 streams"
)


def test_it_works() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "bench", "waiting", *_SHORT], cwd=ROOT, capture_output=True, text=True, check=False
    )
    found = _LINE.findall(run.stdout)
    assert [name for name, *_ in found] == ["read", "write"], run.stdout + run.stderr
    assert all(float(number) > 0 for _, *numbers in found for number in numbers)
