"""`python -m bench api` runs, and prints a line with believable figures for everything that it measures."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from config import ROOT

_SHORT = ("--rounds", "1", "--seconds", "0.3", "--connections", "4", "--database", "sqlite")
_RATIO = re.compile(r"GET (one|page) +(\d+)/s ÷ +(\d+)/s = (\d\.\d{3}) ")
_LOAD = re.compile(r"(read|write) +at 80% of (\d+)/s: p50 ([\d.]+) ms, p99 ([\d.]+) ms ")


@pytest.mark.e2e
def test_it_works() -> None:
    run = subprocess.run([sys.executable, "-m", "bench", "api", *_SHORT], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode in (0, 1), run.stderr  # whether goals are met is the machine's to say
    ratios = {name: (int(ours), int(bare), float(ratio)) for name, ours, bare, ratio in _RATIO.findall(run.stdout)}
    assert ratios.keys() == {"one", "page"}, run.stdout
    for ours, bare, ratio in ratios.values():
        assert 0 < ours < bare
        assert ratio == pytest.approx(ours / bare, abs=0.02)
    loads = {name: (int(most), float(p50), float(p99)) for name, most, p50, p99 in _LOAD.findall(run.stdout)}
    assert loads.keys() == {"read", "write"}, run.stdout
    assert all(most > 0 and 0 < p50 <= p99 for most, p50, p99 in loads.values())
