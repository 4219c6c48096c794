"""Streams and long polls of the real product: they outlive what they should, and hinder nothing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import orjson
import pytest
import requests

from tests.support.client import Script
from tests.support.processes import SMALL, Product, running
from tests.support.sse import Frame, frames
from tests.support.waiting import wait_until

pytestmark = pytest.mark.e2e


@contextmanager
def streaming(script: Script, query: str = "", **headers: str) -> Iterator[Iterator[Frame]]:
    url, sent = f"{script.base}/events/stream{query}", {**script.session.headers, **headers}
    with requests.get(url, headers=sent, stream=True, timeout=30) as answer:
        assert answer.status_code == 200, answer.text
        yield frames(answer.iter_content(None))


def test_it_works(product: Product) -> None:
    """Each event comes at once, and a connection that is lost goes on where it was."""
    script = Script(product)
    project_id = script.post("/projects", {"name": "A Story of Streams"})["id"]
    end = script.get("/events", after="end")["page"]["next"]
    ours = f"?project_id={project_id}"
    made: list[str] = []
    with streaming(script, ours, **{"Last-Event-ID": end}) as told:
        for number in range(3):
            made.append(script.post("/characters", {"name": f"Mara {number}", "project_id": project_id})["id"])
            known = next(frame for frame in told if frame.data)
            assert orjson.loads(known.data)["data"]["id"] == made[-1]
    made.append(script.post("/characters", {"name": "Jon", "project_id": project_id})["id"])
    with streaming(script, ours, **{"Last-Event-ID": known.id}) as told:
        assert orjson.loads(next(frame for frame in told if frame.data).data)["data"]["id"] == made[-1]
    assert [event["data"]["id"] for event in script.get("/events", after=end, project_id=project_id)["data"]] == made


def test_a_client_that_is_gone_gives_its_place_back(home: Path) -> None:
    """At the next comment, which cannot be sent to it."""
    with running(home, **SMALL, CALLSHEET_STREAMS_PER_KEY="1") as product:
        script = Script(product)
        with streaming(script) as told:
            next(told)
            url, headers = f"{script.base}/events/stream", dict(script.session.headers)
            assert requests.get(url, headers=headers, stream=True, timeout=30).status_code == 429

        def freed() -> bool:
            with requests.get(url, headers=headers, stream=True, timeout=30) as answer:
                return answer.status_code == 200

        wait_until(freed, 40, "the place was not given back")


def test_those_that_wait_keep_nobody_from_working_or_stopping(home: Path) -> None:
    """More streams and polls than threads that work; the product then stops in its usual time."""
    with running(home, **SMALL, CALLSHEET_WEB_THREADS="2", CALLSHEET_STREAMS_PER_KEY="40") as product:
        script = Script(product)
        with ExitStack() as opened, ThreadPoolExecutor(20) as pool:
            for _ in range(40):
                next(opened.enter_context(streaming(script)))
            polls = [pool.submit(_polled, script) for _ in range(20)]
            assert script.session.get(f"{script.base}/me", timeout=5).status_code == 200
            assert product.stop() == 0
            assert [poll.result(timeout=20) for poll in polls] == [False] * 20


def _polled(script: Script) -> bool:
    """Whether a poll was answered, rather than cut off."""
    try:
        requests.get(f"{script.base}/events?wait=60&after=end", headers=dict(script.session.headers), timeout=70)
    except requests.RequestException:
        return False
    return True
