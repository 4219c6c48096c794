"""Nothing is lost when workers are killed or Redis forgets everything."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis

from config import redis_socket
from tests.support.client import Script
from tests.support.processes import Product
from tests.support.receiver import Answer, Receiver, receiver
from tests.support.waiting import wait_until

pytestmark = pytest.mark.e2e
EACH = 200


def test_the_worker_is_an_rq_worker(product: Product) -> None:
    pid = product.pid("worker")
    assert pid is not None
    command = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=True
    ).stdout
    assert "rq worker deliveries" in command


def test_no_delivery_is_lost(product: Product) -> None:
    script = Script(product)
    segments = _submitted(script, EACH)
    with receiver() as tool:
        tool.answer = lambda _: Answer(delay=0.1)
        webhook = script.post("/webhooks", {"url": tool.url, "event_types": ["asset.*"]})

        _disturb(tool, 40, lambda: _kill_worker(product), lambda: _decide(script, segments, "approved"))
        tool.wait_for(EACH, seconds=90)
        _disturb(tool, EACH + 40, lambda: _flush(product), lambda: _decide(script, segments, "rejected"))
        tool.wait_for(2 * EACH, seconds=90)

        for arrival in tool.arrivals:
            arrival.verify(webhook["secret"])
        deliveries = script.pages(f"/webhooks/{webhook['id']}/deliveries")
        assert {delivery["event_id"] for delivery in deliveries} == tool.ids()
        assert len(deliveries) == len(tool.ids()) == 2 * EACH
        events = [arrival.event for arrival in tool.arrivals]
        told = {(event["data"]["id"], event["data"]["status"]) for event in events}
        assert told == {(segment["id"], status) for segment in segments for status in ("approved", "rejected")}
        wait_until(
            lambda: not script.pages(f"/webhooks/{webhook['id']}/deliveries", **{"status[ne]": "delivered"}),
            60,
            "some deliveries are not recorded as delivered",
        )


def _submitted(script: Script, count: int) -> list[dict[str, Any]]:
    """Segments that wait for a decision."""
    project = script.post("/projects", {"name": "Kills"})
    scene = script.post("/scenes", {"name": "One", "project_id": project["id"]})
    named = [{"name": f"Shot {number}", "scene_id": scene["id"]} for number in range(count)]
    segments = [script.post("/segments", body) for body in named]
    return [script.patch(f"/segments/{segment['id']}", {"status": "in_review"}) for segment in segments]


def _decide(script: Script, segments: list[dict[str, Any]], decision: str) -> None:
    for segment in segments:
        script.decide(segment, decision)


def _disturb(tool: Receiver, after: int, harm: Callable[[], None], work: Callable[[], None]) -> None:
    """Do the work, and the harm as soon as `after` events have arrived."""
    failures: list[BaseException] = []

    def strike() -> None:
        try:
            tool.wait_for(after)
            harm()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=strike)
    thread.start()
    work()
    thread.join(60)
    assert not failures, failures


def _kill_worker(product: Product) -> None:
    parent = product.pid("worker")
    assert parent is not None
    horses = product.children(parent)
    assert horses, "the worker has no child although deliveries are under way"
    for pid in (parent, *horses):
        os.kill(pid, signal.SIGKILL)
    product.wait_for_another("worker", parent)


def _flush(product: Product) -> None:
    with redis.Redis.from_url(f"unix://{redis_socket(product.home)}") as client:
        client.flushall()


def test_ctrl_c_in_the_middle_of_deliveries_leaves_nothing_and_loses_nothing(product: Product) -> None:
    """The last one here: the product is gone then."""
    script = Script(product)
    (segment,) = _submitted(script, 1)
    with receiver() as tool:
        webhook = script.post("/webhooks", {"url": tool.url, "event_types": ["asset.*"]})
        started = threading.Event()

        def answer(_: object) -> Answer:
            started.set()
            return Answer(delay=0.5)

        tool.answer = answer
        script.decide(segment, "approved")
        assert started.wait(20)
        product.stop(signal.SIGINT)
        assert len(tool.arrivals) == 1
        tool.arrivals[0].verify(webhook["secret"])
