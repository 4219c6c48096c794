"""A store of artifacts that says nothing: whoever wants a file waits, and nobody else does."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.db import Database, Row
from domain.ports import Services
from tests.api.client import Answer, Client
from tests.api.conftest import Cast, MakeApp
from tests.factories import LEASE, make_artifact, make_job, make_scene, make_segment
from tests.support.object_store import CREDENTIALS
from tests.support.waiting import wait_until

Ask = Callable[[Client, Row], Answer]


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Takes connections, never answers."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def fetch(client: Client, job: Row) -> Answer:
    return client.get(f"/jobs/{job['id']}/artifacts/frame.png")


def put(client: Client, job: Row) -> Answer:
    path, headers = f"/jobs/{job['id']}/artifacts/other.png", {"Lease-Token": LEASE}
    return client.call("PUT", path, headers=headers, data=b"\x89PNG", content_type="image/png")


@pytest.mark.parametrize("ask", [fetch, put])
def test_others_are_answered_meanwhile(
    cast: Cast, database: Database, make_app: MakeApp, silence: socket.socket, ask: Ask
) -> None:
    job = make_job(database, make_segment(database, make_scene(database, cast.project)), status="running")
    make_artifact(database, job, size=4)
    place = f"s3://the-bucket?endpoint=http://127.0.0.1:{silence.getsockname()[1]}"
    app = make_app(web_threads="1", web_waiters="2", artifacts=place)
    services: Services = app.extensions["callsheet"]
    client = Client(app, cast.creator.key)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, client, job)
        wait_until(lambda: services.gate.crowd == 1, 10, "nobody waits for the store")
        assert client.get("/me").status == 200
        assert not asked.done()
        silence.close()  # what has connected by now is reset
        answer = asked.result()
    assert (answer.status, answer.problem) == (503, "store-unavailable")
    assert services.gate.crowd == 0
