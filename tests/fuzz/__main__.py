"""Fuzz the running product with what openapi.json says of it: `make fuzz`.

Three runs of schemathesis, each with a fixed seed: the most as a full admin on SQLite, less as the creator of one
project, less as an admin on PostgreSQL. It fails on a check that fails, on a server error, on fewer calls in all than
`--at-least`, and, for an admin, on an operation that was never answered 2xx or never 4xx.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config import ROOT
from domain.db import Database
from tests.factories import SECRET
from tests.fuzz.studio import Studio, make_studio
from tests.support.databases import PostgresqlDatabases
from tests.support.processes import SMALL, Product, running
from tests.support.servers import postgresql_process

HERE = Path(__file__).parent
# The fuzzer's webhooks go to this machine and no further.
SETTINGS = {**SMALL, "CALLSHEET_SECRET_KEY": SECRET, "CALLSHEET_WEBHOOK_ALLOW_CIDRS": "127.0.0.0/8"}
Tally = Counter[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Run:
    """One run: on which database, with whose key, with how many examples of each operation in each phase."""

    database: str
    caller: str
    examples: int

    def __str__(self) -> str:
        return f"{self.caller} on {self.database}"


RUNS = (Run("sqlite", "admin", 150), Run("sqlite", "creator", 30), Run("postgresql", "admin", 30))


def main() -> int:
    """Run; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--at-least", type=int, default=20_000, help="calls in all")
    parser.add_argument("--only", type=int, choices=range(len(RUNS)), help="one of the runs")
    parser.add_argument("--examples", type=int, help="of each operation in each phase, instead of the run's own")
    parser.add_argument("--seed", type=int, default=20_260_101)
    options, rest = parser.parse_known_args()
    complaints: list[str] = []
    total = 0
    for run in RUNS if options.only is None else [RUNS[options.only]]:
        began = time.monotonic()
        examples = ["--max-examples", str(options.examples or run.examples)]
        status, tally = fuzz(run, [*examples, "--seed", str(options.seed), *rest])
        total += tally.total()
        print(f"== {run}: {tally.total():,} calls in {time.monotonic() - began:.0f} s", flush=True)
        complaints += [f"{run}: schemathesis found failures, told above"] if status else []
        complaints += [f"{run}: {complaint}" for complaint in missing(run, tally)]
    print(f"== {total:,} calls in all, of {options.at_least:,} asked for")
    if total < options.at_least:
        complaints.append("too few calls")
    print("\n".join(f"== {complaint}" for complaint in complaints))
    return int(bool(complaints))


def fuzz(run: Run, arguments: Sequence[str]) -> tuple[int, Tally]:
    """The exit status of one run of schemathesis, and how often each operation gave each status."""
    with tempfile.TemporaryDirectory() as name, product_on(run.database, Path(name)) as (product, studio):
        seeds, counted = Path(name) / "seeds.json", Path(name) / "tally.json"
        seeds.write_text(json.dumps(studio.ids))
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run"]
        key = ("--header", f"Authorization: Bearer {studio.keys[run.caller]}")
        ended = subprocess.run(
            [*command, str(ROOT / "openapi.json"), "--url", product.url, *key, *arguments],
            cwd=ROOT,
            env={**product.environment, "CALLSHEET_FUZZ_SEEDS": str(seeds), "CALLSHEET_FUZZ_TALLY": str(counted)},
            check=False,
        )
        rows = json.loads(counted.read_text())
        for report in tracebacks(product.output):
            print(report, flush=True)
    return ended.returncode, Counter({(label, status): count for label, status, count in rows})


def tracebacks(output: str) -> list[str]:
    """What the product logged of failures, each kind once, by its last line."""
    found = re.findall(r"^Traceback .*?^(?=\S)[^\n]*$", output, re.MULTILINE | re.DOTALL)
    return list({report.splitlines()[-1][:80]: report for report in found}.values())


@contextmanager
def product_on(kind: str, folder: Path) -> Iterator[tuple[Product, Studio]]:
    """The product, with the studio in its database."""
    home = folder / "home"
    if kind == "sqlite":
        with running(home, **SETTINGS) as product:
            yield product, filled(f"sqlite:///{home / 'callsheet.db'}")
        return
    with postgresql_process() as cluster:
        url = PostgresqlDatabases(cluster).bare()
        with running(home, **SETTINGS, DATABASE_URL=url) as product:
            yield product, filled(url)


def filled(url: str) -> Studio:
    """The studio, made in the database of this URL."""
    database = Database(url)
    try:
        return make_studio(database)
    finally:
        database.dispose()


def missing(run: Run, tally: Tally) -> list[str]:
    """What the tally should tell and does not."""
    reached: dict[str, set[int]] = {}
    for label, status in tally:
        reached.setdefault(label, set()).add(status // 100)
    document = json.loads((ROOT / "openapi.json").read_text())
    found = [f"{label} was answered {status}" for label, status in tally if status >= 500]
    for label in (f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item):
        wanted = {2, 4} if run.caller == "admin" else {4}
        found += [f"{label} was never answered {family}xx" for family in sorted(wanted - reached.get(label, set()))]
    return found


if __name__ == "__main__":
    sys.exit(main())
