"""The farm worker in `dev/`, against the real product: it makes what is submitted, stops when told, outlives a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select

from config import ROOT
from domain.audit.models import api_audit_log
from domain.db import Database
from tests.factories import SECRET, make_character, make_key, make_project
from tests.support.processes import SMALL, Product, running
from tests.support.victims import strike, web_processes
from tests.support.waiting import wait_until

pytestmark = pytest.mark.e2e


class Farm:
    """A product, a character to make something for, and workers."""

    def __init__(self, product: Product, database: Database, folder: Path) -> None:
        project = make_project(database)
        self.product, self.database, self._folder = product, database, folder
        self.character = str(make_character(database, project)["id"])
        self.key = make_key(database, "creator", "project", [project["id"]])
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {self.key.token}"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._session.request(method, f"{self.product.url}/api/v1{path}", json=body, timeout=40)
        assert answer.status_code < 300, answer.text
        return answer.json()["data"]

    def submit(self, **fields: Any) -> str:
        target = {"object": "character", "id": self.character}
        return str(
            self.call("POST", "/jobs", {"kind": "generate", "target": target, "max_attempts": 9, **fields})["id"]
        )

    def until(self, job_id: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The job, once it is so; each look waits for a change."""

        def look() -> dict[str, Any] | None:
            job: dict[str, Any] = self.call("GET", f"/jobs/{job_id}")
            return job if condition(job) else self.call("GET", f"/jobs/{job_id}?wait=1") and None

        found = wait_until(look, 60, f"{job_id} does not come so far")
        assert found is not None
        return found

    @contextmanager
    def worker(
        self, name: str, *arguments: str, program: Sequence[str] = ("-m", "dev.farm_worker")
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A worker that makes jobs in no time, or as the arguments say."""
        quick = ("--frames", "4", "--seconds", "0.02", "--beat", "0.05", "--wait", "5")
        command = [sys.executable, *program, "--url", self.product.url, "--name", name, *quick]
        with (self._folder / f"{name}.log").open("ab") as log:
            given = {**os.environ, "FARM_KEY": self.key.token}
            process = subprocess.Popen([*command, *arguments], cwd=ROOT, env=given, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    settings = {**SMALL, "CALLSHEET_SECRET_KEY": SECRET, "CALLSHEET_JOB_LEASE_SECONDS": "2"}
    with running(tmp_path_factory.mktemp("farm") / "home", **settings) as started:
        yield started


@pytest.fixture
def farm(product: Product, tmp_path: Path) -> Iterator[Farm]:
    """Of a project of its own: a claim that a killed worker has left behind is given no job of another test."""
    database = Database(f"sqlite:///{product.home / 'callsheet.db'}")
    yield Farm(product, database, tmp_path)
    database.dispose()


def ended(job: dict[str, Any]) -> bool:
    return job["status"] in ("succeeded", "failed", "cancelled")


def test_it_works(farm: Farm) -> None:
    with farm.worker("farm-1"):
        first = farm.submit()
        second = farm.submit(depends_on=[first], kind="render")
        done = farm.until(second, ended)
    assert (done["status"], done["result"], done["worker"]) == ("succeeded", {"frames": 4}, "farm-1")
    assert done["cost"]["gpu_seconds"] == pytest.approx(0.08)


def test_a_failure_is_told(farm: Farm) -> None:
    with farm.worker("farm-2"):
        job = farm.until(farm.submit(params={"fail_with": "No lamp."}, max_attempts=2), ended)
    assert (job["status"], job["attempts"]) == ("failed", 2)
    assert job["error"] == {"code": "render_failed", "message": "No lamp."}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("raise RuntimeError", "RuntimeError()"),
        ("subprocess.run(['false'], check=True)", "non-zero exit status 1"),
        ("raise OSError('No plate. ' * 1000)", "No plate. No plate."),
        ("return {'frames': {1, 2}}", "not JSON serializable"),
        ("return {'log': 'x' * 70_000}", "/result"),
    ],
)
def test_a_renderer_may_fail_in_any_way(farm: Farm, line: str, message: str) -> None:
    """The worker goes on: both attempts are its own."""
    lines = ("import subprocess", "from dev import farm_worker", "def make(*_):", f"    {line}")
    program = ("-c", "\n".join((*lines, "farm_worker.make = make", "farm_worker.main()")))
    with farm.worker("farm-own", program=program) as process:
        job = farm.until(farm.submit(max_attempts=2), ended)
        assert process.poll() is None
    assert (job["status"], job["attempts"], job["error"]["code"]) == ("failed", 2, "render_failed")
    assert message in job["error"]["message"]


def test_it_asks_in_peace(farm: Farm) -> None:
    """Also where it is answered at once, for it does not wait or the server has no room for it."""
    asked = select(api_audit_log.c.at).where(api_audit_log.c.key_id == farm.key.id).order_by(api_audit_log.c.at)

    def claims() -> list[datetime]:
        with farm.database.reading() as session:
            found = list(session.execute(asked).scalars())
        return found if len(found) > 2 else []

    with farm.worker("farm-idle", "--wait", "0"):
        found = wait_until(claims, 30, "it does not ask")
    assert all((later - one).total_seconds() > 1.5 for one, later in pairwise(found))


def test_it_stops_when_it_is_told_to(farm: Farm) -> None:
    job_id = farm.submit()
    with farm.worker("farm-3", "--frames", "100000"):
        seen = farm.until(job_id, lambda job: job["progress"] > 0)
        assert seen["message"].startswith("Frame ")
        farm.call("POST", f"/jobs/{job_id}/cancel")
        assert farm.until(job_id, ended)["status"] == "cancelled"


def test_what_a_killed_worker_had_is_made_by_another(farm: Farm) -> None:
    job_id = farm.submit()
    with farm.worker("farm-4", "--frames", "100000") as process:
        farm.until(job_id, lambda job: job["status"] == "running")
        process.send_signal(signal.SIGKILL)
        process.wait()
    with farm.worker("farm-4b"):
        job = farm.until(job_id, ended)
    assert (job["status"], job["worker"]) == ("succeeded", "farm-4b")
    # The server may have given it to a claim that a killed worker had left behind, too.
    assert job["attempts"] >= 2


def test_it_outlives_the_web_server(farm: Farm) -> None:
    job_id = farm.submit()
    with farm.worker("farm-5", "--frames", "200"):
        farm.until(job_id, lambda job: job["progress"] > 0)
        strike(web_processes(farm.product)[1])
        farm.product.wait_until_answering()
        farm.call("GET", "/me")
        assert farm.until(job_id, ended)["status"] == "succeeded"


def test_its_pictures_become_takes(farm: Farm) -> None:
    with farm.worker("farm-painter", "--picture"):
        job_id = farm.submit()
        assert farm.until(job_id, ended)["status"] == "succeeded"
    (file,) = farm.call("GET", f"/jobs/{job_id}/artifacts")
    takes = farm.call("GET", f"/characters/{farm.character}/takes")
    assert (takes[0]["job_id"], takes[0]["media_id"]) == (job_id, file["id"])
