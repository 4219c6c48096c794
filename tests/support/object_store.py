"""A real S3-compatible server, SeaweedFS from its wheel, for one test session."""

from __future__ import annotations

import json
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.support.servers import server_process
from tests.support.waiting import wait_until

BUCKET = "callsheet"
KEY, SECRET = "callsheet-test", "callsheet-test-secret"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}


@contextmanager
def object_store() -> Iterator[str]:
    """A server that knows one key and has one bucket; its URL."""
    with tempfile.TemporaryDirectory(prefix="callsheet-s3-") as name:
        folder = Path(name)
        (folder / "data").mkdir()
        (folder / "s3.json").write_text(_identities())
        ports = [_free_port() for _ in range(8)]
        options = zip(
            ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc",
             "s3.port", "s3.port.grpc"), ports, strict=True,
        )  # fmt: skip
        command = [
            *(str(Path(sys.executable).with_name("weed")), "server", "-s3", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.max=20", "-master.volumeSizeLimitMB=64"),
            *(f"-dir={folder / 'data'}", f"-s3.config={folder / 's3.json'}"),
            *(f"-{option}={port}" for option, port in options),
        ]
        url = f"http://127.0.0.1:{ports[6]}"
        with server_process(command, folder / "log", signal.SIGKILL):  # it takes its time to stop, and keeps nothing
            wait_until(lambda: _answers(f"{url}/healthz"), 60, "the object store does not answer")
            made = f"http://127.0.0.1:{ports[4]}/buckets/{BUCKET}/"
            wait_until(lambda: requests.post(made, timeout=5).ok, 30, "the bucket could not be made")
            yield url


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


def _identities() -> str:
    key = {"accessKey": KEY, "secretKey": SECRET}
    return json.dumps({"identities": [{"name": "test", "credentials": [key], "actions": ["Admin"]}]})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
