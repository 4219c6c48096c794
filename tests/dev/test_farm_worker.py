"""The farm worker in `dev/`, against the real product: it makes what is submitted, stops when told, outlives a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from config import ROOT
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
        self.product, self._folder = product, folder
        self.character = str(make_character(database, project)["id"])
        self._key = make_key(database, "creator", "project", [project["id"]]).token
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {self._key}"

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
    def worker(self, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """A worker that makes jobs in no time, or as the arguments say."""
        quick = ("--frames", "4", "--seconds", "0.02", "--beat", "0.05", "--wait", "5")
        command = [sys.executable, "-m", "dev.farm_worker", "--url", self.product.url, "--name", name, *quick]
        with (self._folder / f"{name}.log").open("ab") as log:
            given = {**os.environ, "FARM_KEY": self._key}
            process = subprocess.Popen([*command, *arguments], cwd=ROOT, env=given, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    folder = tmp_path_factory.mktemp("farm")
    settings = {**SMALL, "CALLSHEET_SECRET_KEY": SECRET, "CALLSHEET_JOB_LEASE_SECONDS": "2"}
    with running(folder / "home", **settings) as product:
        database = Database(f"sqlite:///{folder / 'home' / 'callsheet.db'}")
        yield Farm(product, database, folder)
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
