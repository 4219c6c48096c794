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
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from config import ROOT
from domain.db import Database
from tests.factories import LEASE, SECRET
from tests.fuzz.studio import Studio, make_studio, name_things
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


RUNS = (Run("sqlite", "admin", 16), Run("postgresql", "admin", 10), Run("sqlite", "creator", 6))
AT_ONCE = 2


def main() -> int:
    """Run; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--at-least", type=int, default=20_000, help="calls in all")
    parser.add_argument("--only", type=int, choices=range(len(RUNS)), help="one of the runs")
    parser.add_argument("--examples", type=int, help="of each operation in each phase, instead of the run's own")
    parser.add_argument("--seed", type=int, default=20_260_101)
    options, rest = parser.parse_known_args()

    def one(run: Run) -> tuple[int, list[str]]:
        examples = ["--max-examples", str(options.examples or run.examples)]
        return fuzz(run, [*examples, "--seed", str(options.seed), *rest])

    # Each in a process of its own: with threads in one, what is generated would depend on which is first.
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(one, RUNS if options.only is None else [RUNS[options.only]]))
    total = sum(calls for calls, _ in outcomes)
    complaints = [complaint for _, found in outcomes for complaint in found]
    complaints += [] if total >= options.at_least else ["these are too few calls"]
    print(f"== {total:,} calls in all, of {options.at_least:,} asked for")
    print("\n".join(f"== {complaint}" for complaint in complaints or ["no check failed"]))
    return int(bool(complaints))


def fuzz(run: Run, arguments: Sequence[str]) -> tuple[int, list[str]]:
    """How many calls one run of schemathesis made, and what is to be complained of. Its report is printed."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name, product_on(run.database, Path(name)) as (product, studio):
        seeds, counted = Path(name) / "seeds.json", Path(name) / "tally.json"
        seeds.write_text(json.dumps({"ids": studio.ids, "named": studio.named, "own": studio.own, "lease": LEASE}))
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run"]
        key = ("--header", f"Authorization: Bearer {studio.keys[run.caller]}")
        ended = subprocess.run(
            [*command, str(ROOT / "openapi.json"), "--url", product.url, *key, *arguments],
            cwd=ROOT,
            env={**product.environment, "CALLSHEET_FUZZ_SEEDS": str(seeds), "CALLSHEET_FUZZ_TALLY": str(counted)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        reports = [ended.stdout, *tracebacks(product.output)] if ended.returncode else []
        rows = json.loads(counted.read_text())
    tally = Counter({(label, status): count for label, status, count in rows})
    took = f"== {run}: {tally.total():,} calls in {time.monotonic() - began:.0f} s"
    print("\n".join([*reports, took]), flush=True)
    complaints = ["schemathesis found failures, told above"] if ended.returncode else []
    return tally.total(), [f"{run}: {complaint}" for complaint in complaints + missing(run, tally)]


def tracebacks(output: str) -> list[str]:
    """What the product logged of failures, each kind once, by its last line."""
    found = re.findall(r"^Traceback .*?^(?=\S)[^\n]*$", output, re.MULTILINE | re.DOTALL)
    return list({report.splitlines()[-1][:80]: report for report in found}.values())


@contextmanager
def product_on(kind: str, folder: Path) -> Iterator[tuple[Product, Studio]]:
    """The product, with the studio in its database."""
    home = folder / "home"
    with ExitStack() as opened:
        url, given = f"sqlite:///{home / 'callsheet.db'}", {}
        if kind == "postgresql":
            url = PostgresqlDatabases(opened.enter_context(postgresql_process())).bare()
            given = {"DATABASE_URL": url}
        product = opened.enter_context(running(home, **SETTINGS, **given))
        database = Database(url)
        opened.callback(database.dispose)
        studio = make_studio(database)
        name_things(product.url, studio)
        yield product, studio


def missing(run: Run, tally: Tally) -> list[str]:
    """What the tally should tell and does not."""
    reached: dict[str, set[int]] = {}
    for label, status in tally:
        reached.setdefault(label, set()).add(status // 100)
    document = json.loads((ROOT / "openapi.json").read_text())
    found = [f"{label} was answered {status}" for label, status in tally if status >= 500]
    labels = (f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item)
    for label in (label for label in labels if not label.endswith("/events/stream")):  # which has no end
        wanted = {2, 4} if run.caller == "admin" else {4}
        found += [f"{label} was never answered {family}xx" for family in sorted(wanted - reached.get(label, set()))]
    return found


if __name__ == "__main__":
    sys.exit(main())
