"""Each job ends once and none is lost, while workers of a farm and the web server are killed at random."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from sqlalchemy import func, select

from config import ROOT
from domain.audit.models import api_audit_log
from domain.db import Database
from domain.events.models import events
from domain.jobs.models import ENDED, jobs
from tests.factories import SECRET, make_key, make_project, make_scene, make_segment
from tests.support.processes import Product, running
from tests.support.victims import strike

pytestmark = pytest.mark.torture
JOBS = int(os.environ.get("CALLSHEET_TEST_FARM_JOBS", "10000"))
WORKERS, EACH = 20, 100
FAULTS = max(10, JOBS // 100)
PLENTY = 1_000_000
SETTINGS = {"CALLSHEET_SECRET_KEY": SECRET, "CALLSHEET_DEMO": "0", "CALLSHEET_JOB_LEASE_SECONDS": "3"}
TERMINAL = {"job.completed": "succeeded", "job.failed": "failed", "job.cancelled": "cancelled"}


class Farm:
    """The workers of `dev/`, each started again when it was killed."""

    def __init__(self, product: Product, key: str, folder: Path) -> None:
        self.draw, self.done = random.Random(11), Counter[str]()
        self._product, self._key, self._log = product, key, (folder / "farm.log").open("ab")
        self._workers = {f"farm-{number}": self._start(f"farm-{number}") for number in range(WORKERS)}

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        quick = ("--frames", "3", "--seconds", "0.01", "--beat", "0.5", "--wait", "5")
        command = [sys.executable, "-m", "dev.farm_worker", "--url", self._product.url, "--name", name, *quick]
        given = {**os.environ, "FARM_KEY": self._key}
        return subprocess.Popen(command, cwd=ROOT, env=given, stdout=self._log, stderr=self._log)

    def fault(self) -> None:
        """Kill a worker, or a process of the web server."""
        web = self._product.pid("web") if self.draw.random() < 0.15 else None
        if web is not None and (processes := self._product.children(web)):  # else it is starting again
            strike([self.draw.choice(processes)])
            self.done["web"] += 1
            return
        name = self.draw.choice(list(self._workers))
        self._workers[name].send_signal(signal.SIGKILL)
        self._workers[name].wait()
        self._workers[name] = self._start(name)
        self.done["worker"] += 1

    def stop(self) -> None:
        for worker in self._workers.values():
            worker.kill()
            worker.wait()
        self._log.close()


@contextmanager
def farm_of(product: Product, key: str, folder: Path) -> Iterator[Farm]:
    farm = Farm(product, key, folder)
    try:
        yield farm
    finally:
        farm.stop()


def submit_all(product: Product, database: Database) -> str:
    """Every tenth job fails whenever it is tried, every seventh needs the one before it. The farm's key."""
    project = make_project(database)
    segment = make_segment(database, make_scene(database, project))
    target = {"object": "segment", "id": segment["id"]}
    key = make_key(database, "creator", "project", [project["id"]], read_per_minute=PLENTY, write_per_minute=PLENTY)
    for start in range(0, JOBS, EACH):
        operations = []
        for number in range(start, min(start + EACH, JOBS)):
            body = {"kind": "generate", "target": target, "max_attempts": 10, "priority": number % 100, "params": {}}
            if number % 10 == 9:
                body |= {"params": {"fail_with": "No lamp."}, "max_attempts": 2}
            if number % 7 == 6 and number > start:
                body["depends_on"] = [f"$job-{number - 1}.id"]
            operations.append({"method": "POST", "path": "/jobs", "ref": f"job-{number}", "body": body})
        answer = requests.post(
            f"{product.url}/api/v1/batch", json={"operations": operations}, timeout=60,
            headers={"Authorization": f"Bearer {key.token}"},
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
    return key.token


def test_each_of_many_jobs_ends_once(database_url: str, home: Path, tmp_path: Path) -> None:
    database = Database(database_url)
    with running(home, DATABASE_URL=database_url, **SETTINGS) as product:
        key, began = submit_all(product, database), time.monotonic()
        with farm_of(product, key, tmp_path) as farm:
            while (left := not_ended(database)) or farm.done.total() < FAULTS:
                farm.fault()
                assert time.monotonic() - began < 60 + JOBS / 2, f"{left} jobs have not ended: {farm.done}"
                time.sleep(farm.draw.uniform(0.2, 1.5))  # faults are to fall anywhere, not behind each other
            took = time.monotonic() - began
            print(f"{JOBS} jobs in {took:.0f} s under {farm.done.total()} faults {dict(farm.done)}")
        product.stop()
    check(database)
    database.dispose()


def not_ended(database: Database) -> int:
    with database.reading() as session:
        counted = select(func.count()).where(jobs.c.status.not_in(ENDED))
        return int(session.execute(counted).scalar_one())


def check(database: Database) -> None:
    with database.reading() as session:
        rows = session.execute(select(jobs.c.id, jobs.c.status, jobs.c.attempts)).all()
        told: dict[str, list[str]] = defaultdict(list)
        for job_id, event_type in session.execute(select(events.c.entity_id, events.c.type).order_by(events.c.seq)):
            told[job_id].append(event_type)
        completed = select(api_audit_log.c.path).where(
            api_audit_log.c.route == "/api/v1/jobs/{id}/complete", api_audit_log.c.status_code == 200,
            api_audit_log.c.idempotency == "first",
        )  # fmt: skip
        honoured = Counter(path.split("/")[-2] for path in session.execute(completed).scalars())
    assert len(rows) == JOBS
    print(Counter(row.status for row in rows), "attempts:", sum(row.attempts for row in rows))
    for row in rows:
        first, *started, last = told[row.id]
        assert (first, TERMINAL[last]) == ("job.submitted", row.status), (row, told[row.id])
        assert started == ["job.started"] * row.attempts, (row, told[row.id])
        assert honoured[row.id] == (row.status == "succeeded"), row
