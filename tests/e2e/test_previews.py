"""Previews and files of jobs with every real part: the web server, the RQ worker that draws, the store."""

from __future__ import annotations

import base64
import hashlib
import http.client
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from domain.db import Database, Row
from domain.jobs.leases import digest_of
from tests.factories import SECRET, change_job, make_job, make_key, make_project, make_scene, make_segment
from tests.support.processes import SMALL, Product, running
from tests.support.stories import types_told
from tests.support.waiting import wait_until

pytestmark = pytest.mark.e2e
MEBIBYTE = 1024 * 1024
LARGE = 200 * MEBIBYTE
# Of one web process, for an upload of any size.
FLAT = 40 * MEBIBYTE
TOKEN = "lease_of_this_test"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(
        tmp_path_factory.mktemp("product") / "home",
        **SMALL,
        CALLSHEET_ARTIFACT_MAX_MB="300",
        CALLSHEET_SECRET_KEY=SECRET,
    ) as started:
        started.wait_until_answering()
        yield started


@pytest.fixture
def database(product: Product) -> Iterator[Database]:
    opened = Database(f"sqlite:///{product.home / 'callsheet.db'}")
    yield opened
    opened.dispose()


@pytest.fixture
def headers(database: Database) -> dict[str, str]:
    return {"Authorization": f"Bearer {make_key(database).token}"}


@pytest.fixture
def segment(database: Database) -> Row:
    return make_segment(database, make_scene(database, make_project(database)))


def submit(product: Product, headers: dict[str, str], segment: Row, **given: Any) -> str:
    asked = {"kind": "preview", "target": {"object": "segment", "id": segment["id"]}, **given}
    answer = requests.post(f"{product.url}/api/v1/jobs", json=asked, headers=headers, timeout=10)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


def wait_for_take(product: Product, headers: dict[str, str], segment: Row) -> dict[str, Any]:
    def takes() -> list[dict[str, Any]]:
        answer = requests.get(f"{product.url}/api/v1/segments/{segment['id']}/takes", headers=headers, timeout=10)
        found: list[dict[str, Any]] = answer.json()["data"]
        return found

    return wait_until(takes, 60, lambda: f"nothing was drawn:\n{product.output}")[0]


def test_a_preview_is_drawn(product: Product, headers: dict[str, str], segment: Row) -> None:
    job_id = submit(product, headers, segment)
    take = wait_for_take(product, headers, segment)
    assert take["job_id"] == job_id
    listed = requests.get(f"{product.url}/api/v1/jobs/{job_id}/artifacts", headers=headers, timeout=10).json()["data"]
    assert [row["name"] for row in listed] == ["preview.webp", "storyboard.png", "thumbnail.webp"]
    for row in listed:
        got = requests.get(product.url + row["url"], headers=headers, timeout=10)
        assert (len(got.content), hashlib.sha256(got.content).hexdigest()) == (row["size"], row["sha256"])
    assert product.pid("previews") is not None


def test_it_is_drawn_without_its_worker(product: Product, headers: dict[str, str], segment: Row) -> None:
    """Whoever draws is stopped: the sweeper does it."""
    guard, worker = product.guard("previews"), product.pid("previews")
    assert guard
    assert worker
    psutil.Process(guard).suspend()
    psutil.Process(worker).suspend()
    try:
        submit(product, headers, segment)
        wait_for_take(product, headers, segment)
    finally:
        psutil.Process(worker).resume()
        psutil.Process(guard).resume()


def test_a_worker_that_is_stopped_hands_back_what_it_draws(
    product: Product, database: Database, headers: dict[str, str], segment: Row
) -> None:
    """Ten seconds of animation take longer than it has. Another one draws them, in place of the only attempt."""
    worker = product.pid("previews")
    assert worker
    job_id = submit(product, headers, segment, max_attempts=1, params={"seconds": 10})

    def job() -> dict[str, Any]:
        answer = requests.get(f"{product.url}/api/v1/jobs/{job_id}", headers=headers, timeout=10)
        found: dict[str, Any] = answer.json()["data"]
        return found

    wait_until(lambda: job()["status"] == "running", 30, lambda: f"nobody draws it:\n{product.output}")
    os.kill(worker, signal.SIGTERM)
    product.wait_for_another("previews", worker)
    wait_for_take(product, headers, segment)
    assert (job()["status"], job()["attempts"]) == ("succeeded", 2)
    assert types_told(database, job_id) == ["job.submitted", "job.started", "job.started", "job.completed"]


@contextmanager
def held(database: Database, segment: Row) -> Iterator[str]:
    job = make_job(database, segment, status="running")
    change_job(database, job["id"], lease_digest=digest_of(TOKEN), lease_expires_at=None)
    yield job["id"]


def upload(product: Product, headers: dict[str, str], job_id: str, size: int, *, chunked: bool) -> tuple[int, str]:
    """Send a file of so many bytes; the status, and the digest of what was sent."""
    piece, digest = bytes(range(256)) * 4096, hashlib.sha256()

    def pieces() -> Iterator[bytes]:
        for _ in range(size // len(piece)):
            digest.update(piece)
            yield piece

    connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=60)
    length = {} if chunked else {"Content-Length": str(size)}
    sent = {**headers, **length, "Lease-Token": TOKEN, "Content-Type": "application/x-exr"}
    connection.request("PUT", f"/api/v1/jobs/{job_id}/artifacts/large.exr", pieces(), sent, encode_chunked=chunked)
    status = connection.getresponse().status
    connection.close()
    return status, digest.hexdigest()


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_file_takes_no_memory(
    product: Product, database: Database, headers: dict[str, str], segment: Row, *, chunked: bool
) -> None:
    with held(database, segment) as job_id:
        web = [psutil.Process(pid) for pid in product.children(product.pid("web") or 0)]
        upload(product, headers, job_id, MEBIBYTE, chunked=chunked)
        before = sum(process.memory_info().rss for process in web)
        status, digest = upload(product, headers, job_id, LARGE, chunked=chunked)
        assert status == 200
        url = f"{product.url}/api/v1/jobs/{job_id}/artifacts/large.exr"
        got = hashlib.sha256()
        with requests.get(url, headers=headers, stream=True, timeout=60) as answer:
            assert answer.headers["Content-Length"] == str(LARGE)
            for piece in answer.iter_content(MEBIBYTE):
                got.update(piece)
        assert got.hexdigest() == digest
        assert sum(process.memory_info().rss for process in web) - before < FLAT
        peak = max(peak_of(process) for process in web)
        assert peak < before + FLAT


def peak_of(process: psutil.Process) -> int:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_that_breaks_off_leaves_nothing(
    product: Product, database: Database, headers: dict[str, str], segment: Row, *, chunked: bool
) -> None:
    """In chunks the server cannot tell a cut connection from the end of the body: `Content-Digest` can."""
    with held(database, segment) as job_id:
        connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=60)
        path = f"/api/v1/jobs/{job_id}/artifacts/half.exr"
        connection.putrequest("PUT", path)
        length = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(LARGE))
        digest = ("Content-Digest", f"sha-256=:{base64.b64encode(bytes(32)).decode()}:")
        for name, value in (*headers.items(), length, digest, ("Lease-Token", TOKEN)):
            connection.putheader(name, value)
        connection.endheaders()
        for _ in range(8):
            connection.send((b"100000\r\n" if chunked else b"") + bytes(MEBIBYTE) + (b"\r\n" if chunked else b""))
        connection.close()
        folder = product.home / "artifacts" / job_id
        wait_until(
            lambda: not _files_in(folder) and _audited(product, headers, path),
            30,
            "what was sent of it is still there",
        )
        listed = requests.get(f"{product.url}/api/v1/jobs/{job_id}/artifacts", headers=headers, timeout=10)
        assert listed.json()["data"] == []


def _files_in(folder: Path) -> list[str]:
    """Unlike `rglob`, `walk` passes over a folder that goes while it is read."""
    return [name for _, _, names in os.walk(folder) for name in names]


def _audited(product: Product, headers: dict[str, str], path: str) -> bool:
    answer = requests.get(f"{product.url}/api/v1/audit?method=PUT&limit=5", headers=headers, timeout=10)
    return any(row["path"] == path and row["status_code"] == 400 for row in answer.json()["data"])
