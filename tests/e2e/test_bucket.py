"""Files of jobs in a bucket, with every real part: what is drawn in a forked worker, and a large file in chunks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from domain.db import Database, Row
from tests.e2e.test_previews import (
    FLAT,
    MEBIBYTE,
    database,
    headers,
    held,
    peak_of,
    segment,
    submit,
    upload,
    wait_for_take,
)
from tests.factories import SECRET
from tests.support.object_store import BUCKET, CREDENTIALS, object_store
from tests.support.processes import SMALL, Product, running

__all__ = ["database", "headers", "segment"]  # fixtures

pytestmark = pytest.mark.e2e
LARGE = 100 * MEBIBYTE


@pytest.fixture
def product(home: Path) -> Iterator[Product]:
    with object_store() as url:
        place = f"s3://{BUCKET}/studio?endpoint={url}"
        settings = {**SMALL, **CREDENTIALS, "CALLSHEET_SECRET_KEY": SECRET, "CALLSHEET_ARTIFACTS": place}
        with running(home, **settings) as started:
            started.wait_until_answering()
            yield started


def test_it_works(product: Product, database: Database, headers: dict[str, str], segment: Row) -> None:
    job_id = submit(product, headers, segment)
    wait_for_take(product, headers, segment)
    base = f"{product.url}/api/v1/jobs/{job_id}/artifacts"
    for row in requests.get(base, headers=headers, timeout=10).json()["data"]:
        got = requests.get(product.url + row["url"], headers=headers, timeout=10)
        assert hashlib.sha256(got.content).hexdigest() == row["sha256"]
    assert not (product.home / "artifacts").exists()
    with held(database, segment) as other:
        web = [psutil.Process(pid) for pid in product.children(product.pid("web") or 0)]
        upload(product, headers, other, MEBIBYTE, chunked=True)
        before = sum(process.memory_info().rss for process in web)
        status, digest = upload(product, headers, other, LARGE, chunked=True)
        assert status == 200
        large = f"{product.url}/api/v1/jobs/{other}/artifacts/large.exr"
        with requests.get(large, headers=headers, stream=True, timeout=60) as answer:
            got_digest = hashlib.sha256()
            for piece in answer.iter_content(MEBIBYTE):
                got_digest.update(piece)
        assert got_digest.hexdigest() == digest
        assert max(peak_of(process) for process in web) < before + 2 * FLAT  # some parts of a multipart upload
        ranged = requests.get(large, headers={**headers, "Range": "bytes=1000-1003"}, timeout=10)
        assert (ranged.status_code, ranged.content) == (206, bytes(range(256))[232:236])
