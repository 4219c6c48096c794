"""`python -m bench security` runs, counts what a warm call costs, and prints believable times for every phase."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from config import ROOT

_PHASE = re.compile(r"  (\S.*?) +p50 ([\d.]+) ms, p99 ([\d.]+) ms   computed ([\d.]+) and ([\d.]+) ms")


@pytest.mark.e2e
def test_it_works() -> None:
    command = [sys.executable, "-m", "bench", "security", "--calls", "200"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode in (0, 1), run.stderr  # whether times are met is the machine's to say
    counted = "1 Redis round trips, 0 SQL statements for the key, 1 for the audit   goal 1, 0, 1: met"
    assert run.stdout.count(counted) == 2, run.stdout  # on both databases
    phases = [(name, *map(float, figures)) for name, *figures in _PHASE.findall(run.stdout)]
    assert [name for name, *_ in phases[:5]] == ["parse", "key, allowlist, bucket", "audit", "headers", "all of it"]
    assert len(phases) == 10
    for _, p50, p99, own_p50, own_p99 in phases:
        assert 0 < p50 <= p99
        assert 0 < own_p50 <= own_p99
