"""Imports point down: the contracts in `pyproject.toml`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from config import ROOT


def test_it_works() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout
