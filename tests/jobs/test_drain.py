"""Draining: what is due is sent, signed and recorded."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select, update

from domain.audit.models import api_audit_log
from domain.clock import system_clock
from domain.deliveries.models import webhook_deliveries
from jobs.deliveries import Drain
from jobs.queues import CHANNEL
from tests.jobs.conftest import Stage
from tests.jobs.test_bell import waiting
from tests.support.claiming import claim_due
from tests.support.queries import recorded
from tests.support.receiver import Answer, Arrival
from tests.support.waiting import wait_until


def test_it_works(stage: Stage) -> None:
    _, secret = stage.webhook()
    (event_id,) = stage.events(1)

    assert stage.drain() == 1

    (arrival,) = stage.receiver.arrivals
    arrival.verify(secret)
    assert arrival.id == event_id == arrival.event["id"]
    assert arrival.headers["content-type"] == "application/json"
    assert "accept-encoding" not in arrival.headers or arrival.headers["accept-encoding"] == "identity"
    assert arrival.event["data"]["name"] == "Mara – ångström"
    delivery = stage.delivery()
    assert (delivery["status"], delivery["attempts_count"], delivery["last_status_code"]) == ("delivered", 1, 200)
    (attempt,) = stage.attempts()
    assert attempt["response_body"] == "thanks"
    assert attempt["message"] == "The receiver accepted it."
    assert attempt["request_headers"]["webhook-id"] == event_id


def test_nothing_due_sends_nothing(stage: Stage) -> None:
    stage.webhook()
    assert stage.drain() == 0


def test_hundreds_arrive_once_each(stage: Stage) -> None:
    _, secret = stage.webhook()
    sent = set(stage.events(450))  # more than twice a worker's slots

    assert stage.drain() == 450

    assert stage.receiver.ids() == sent
    assert len(stage.receiver.arrivals) == 450
    for arrival in stage.receiver.arrivals:
        arrival.verify(secret)


def test_a_failure_is_tried_again_by_the_schedule(stage: Stage) -> None:
    _, secret = stage.webhook()
    stage.receiver.answer = lambda _: Answer(503, body=b"busy")
    (event_id,) = stage.events(1)
    before = system_clock()
    stage.drain()

    delivery = stage.delivery()
    assert delivery["status"] == "pending"
    assert timedelta(seconds=4) < delivery["due_at"] - before < timedelta(seconds=8)
    assert stage.webhook_row()["failing_since"] is not None

    stage.receiver.answer = lambda _: Answer()
    _make_due(stage)
    stage.drain()

    first, second = stage.receiver.arrivals
    second.verify(secret)
    assert first.id == second.id == event_id
    assert first.body == second.body
    assert [attempt["status_code"] for attempt in stage.attempts()] == [503, 200]
    assert stage.delivery()["status"] == "delivered"
    assert stage.webhook_row()["failing_since"] is None


def test_an_exhausted_schedule_is_a_failure(stage: Stage) -> None:
    stage.webhook()
    stage.receiver.answer = lambda _: Answer(500)
    stage.events(1)
    for _ in range(3):
        _make_due(stage)
        stage.drain()

    assert stage.delivery()["status"] == "failed"
    assert len(stage.attempts()) == 3


def test_410_disables_the_webhook_and_cancels_what_waits(stage: Stage) -> None:
    stage.webhook()
    stage.receiver.answer = lambda _: Answer(410)
    stage.events(1)
    stage.drain()

    assert stage.delivery()["status"] == "cancelled"
    webhook = stage.webhook_row()
    assert (webhook["enabled"], webhook["disabled_reason"]) == (False, "gone")
    with stage.database.reading() as session:
        noted = session.execute(select(api_audit_log).where(api_audit_log.c.source == "system")).mappings().one()
    assert noted["action"] == "webhook.disable"
    assert noted["changes"] == {
        "id": webhook["id"],
        "enabled": {"from": True, "to": False},
        "disabled_reason": {"from": None, "to": "gone"},
    }


def test_retry_after_postpones(stage: Stage) -> None:
    stage.webhook()
    stage.receiver.answer = lambda _: Answer(429, {"Retry-After": "120"})
    stage.events(1)
    before = system_clock()
    stage.drain()

    assert stage.delivery()["due_at"] - before >= timedelta(seconds=119)


def test_a_redirect_is_a_failure_and_not_followed(stage: Stage) -> None:
    stage.webhook()
    stage.receiver.answer = lambda _: Answer(302, {"Location": f"{stage.receiver.url}/elsewhere"})
    stage.events(1)
    stage.drain()

    assert len(stage.receiver.arrivals) == 1
    (attempt,) = stage.attempts()
    assert (attempt["status_code"], attempt["error"]) == (302, "redirect")
    assert stage.delivery()["status"] == "pending"


def test_the_answer_is_cut_and_cleaned(stage: Stage) -> None:
    stage.webhook()
    stage.receiver.answer = lambda _: Answer(body=b"\0\xff<script>" + b"x" * 100_000)
    stage.events(1)
    stage.drain()

    (attempt,) = stage.attempts()
    assert len(attempt["response_body"]) <= 16 * 1024
    assert "\0" not in attempt["response_body"]
    assert stage.delivery()["status"] == "delivered"


def test_headers_that_are_no_text_are_cleaned(stage: Stage) -> None:
    stage.webhook()
    stage.receiver.answer = lambda _: Answer(headers={"X-Place": "Malm\xf6", "X-Junk": "\xff\xfe\x80"})
    stage.events(1)
    stage.drain()

    (attempt,) = stage.attempts()
    assert attempt["response_headers"]["X-Place"] == "Malm\N{REPLACEMENT CHARACTER}"
    assert stage.delivery()["status"] == "delivered"


def test_a_receiver_that_refuses_the_connection_is_named(stage: Stage) -> None:
    stage.webhook("http://127.0.0.1:9/nobody")
    stage.events(1)
    stage.drain()

    (attempt,) = stage.attempts()
    assert (attempt["status_code"], attempt["error"]) == (None, "refused")
    assert "nothing listens" in attempt["message"]


def test_a_slow_receiver_does_not_hold_up_a_quick_one(stage: Stage) -> None:
    answered = threading.Event()
    stage.webhook(f"{stage.receiver.url}-slow")
    stage.webhook()

    stage.receiver.answer = _slow_until(answered)
    stage.events(1)
    stage.drain()
    assert [row["status"] for row in stage.deliveries()] == ["delivered", "delivered"]


@pytest.mark.parametrize("listens", [True, False])
def test_a_slow_receiver_does_not_hold_up_what_comes_later(stage: Stage, listens: bool) -> None:
    answered = threading.Event()
    stage.webhook(f"{stage.receiver.url}-slow", ("asset.rejected",))
    stage.webhook(event_types=("asset.approved",))
    stage.receiver.answer = _slow_until(answered)
    stage.events(1, "asset.rejected")
    with _draining(stage, listens):
        stage.receiver.wait_for(1)
        stage.events(1)
        stage.runtime.bell.ring()
        stage.receiver.wait_for(2, 5)
        assert answered.is_set()
        wait_until(lambda: _statuses(stage) == ["delivered", "delivered"], 5, "the answers were not recorded")


def test_what_hangs_at_the_end_keeps_nobody_else_from_hearing(stage: Stage) -> None:
    answered = threading.Event()
    stage.webhook(f"{stage.receiver.url}-slow")
    stage.receiver.answer = _slow_until(answered)
    stage.events(1)
    with _draining(stage) as drain:
        stage.receiver.wait_for(1)
        stage.runtime.bell.answer()
        drain.stop()
        wait_until(lambda: waiting(stage.runtime.redis), 5, "nobody else was called")
        assert stage.runtime.redis.publish(CHANNEL, "") == 0
        answered.set()
    assert _statuses(stage) == ["delivered"]


def test_names_that_hang_hold_up_nothing_else(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    found = threading.Event()
    resolve = socket.getaddrinfo

    def hang(host: str, *arguments: Any, **options: Any) -> Any:
        if host == "hangs.example" and "flags" not in options:
            found.wait(10)
            host = "127.0.0.1"
        return resolve(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    port = urlsplit(stage.receiver.url).port
    stage.webhook(f"http://hangs.example:{port}/", ("asset.rejected",))
    stage.webhook(event_types=("asset.approved",))
    stage.events(2 * (os.cpu_count() or 1) + 10, "asset.rejected")  # more than asyncio's own threads
    stage.events(1)
    with _draining(stage):
        wait_until(lambda: "delivered" in _statuses(stage), 5, "the database waits for names")
        found.set()


def test_a_delivery_that_ends_its_workers_is_given_up(stage: Stage) -> None:
    stage.webhook()
    stage.events(1)
    with stage.database.transaction() as session:
        claim_due(session, system_clock(), 10)  # and its worker died, as in every attempt before
        session.execute(update(webhook_deliveries).values(attempts_count=3))
    _make_due(stage)
    assert stage.drain() == 1

    assert stage.receiver.arrivals == []
    assert stage.delivery()["status"] == "failed"
    assert stage.attempts()[0]["error"] == "abandoned"


def test_a_worker_that_lost_its_lease_says_nothing_of_the_webhook(stage: Stage) -> None:
    stage.webhook()
    stage.events(1)
    taken = threading.Event()
    stage.receiver.answer = _refuse_after(taken)
    with _draining(stage, listens=False):
        stage.receiver.wait_for(1)
        with stage.database.transaction() as session:  # another worker has delivered it meanwhile
            session.execute(update(webhook_deliveries).values(status="delivered", lease_token=None))
        taken.set()
    assert stage.delivery()["status"] == "delivered"
    assert stage.webhook_row()["failing_since"] is None


@pytest.mark.parametrize("url", ["http://10.0.0.1/x", "http://[::1]:1/x", "http://169.254.169.254/latest"])
def test_a_forbidden_address_is_never_connected_to(stage: Stage, url: str) -> None:
    stage.webhook(url)
    stage.events(1)
    stage.drain()

    (attempt,) = stage.attempts()
    assert attempt["error"] == "forbidden_address"
    assert "not a public address" in attempt["message"]


def test_an_expired_lease_is_due_again(stage: Stage) -> None:
    _, secret = stage.webhook()
    stage.events(1)
    with stage.database.transaction() as session:  # a worker that claimed and died
        assert len(claim_due(session, system_clock(), 10)) == 1
    assert stage.drain() == 0

    _make_due(stage)
    assert stage.drain() == 1
    stage.receiver.arrivals[0].verify(secret)
    assert stage.delivery()["attempts_count"] == 2


def test_a_ring_is_heard_while_listening(stage: Stage) -> None:
    stage.webhook()
    with _draining(stage):
        for expected in (1, 2, 3):
            stage.events(1)
            wait_until(stage.runtime.redis.ping, 5, "Redis does not answer")
            arrived = partial(_arrived, stage, expected)
            wait_until(lambda: stage.runtime.bell.ring() and arrived(), 10, "the ring was not heard")  # noqa: B023
    assert len(stage.receiver.arrivals) == 3


@contextmanager
def _draining(stage: Stage, listens: bool = True) -> Iterator[Drain]:
    """A drain at work in the background; it has stopped at the end."""
    drain = stage.runtime._drain(stage.runtime.bell if listens else None)
    thread = threading.Thread(target=lambda: asyncio.run(drain.run()))
    thread.start()
    try:
        yield drain
    finally:
        drain.stop()
        thread.join(15)
    assert not thread.is_alive()


def _slow_until(answered: threading.Event) -> Callable[[Arrival], Answer]:
    """At the address that ends in `-slow` no answer before the other one was called."""

    def answer(arrival: Arrival) -> Answer:
        if arrival.path.endswith("-slow"):
            assert answered.wait(10), "the quick receiver was not called while the slow one was busy"
        else:
            answered.set()
        return Answer()

    return answer


def _refuse_after(event: threading.Event) -> Callable[[Arrival], Answer]:
    def answer(_arrival: Arrival) -> Answer:
        event.wait(10)
        return Answer(500)

    return answer


def _statuses(stage: Stage) -> list[str]:
    return sorted(row["status"] for row in stage.deliveries())


def _arrived(stage: Stage, count: int) -> bool:
    return len(stage.receiver.arrivals) >= count


def _make_due(stage: Stage) -> None:
    with stage.database.transaction() as session:
        session.execute(update(webhook_deliveries).values(due_at=system_clock() - timedelta(seconds=1)))


def test_many_take_less_than_a_statement_each(stage: Stage) -> None:
    for number in range(10):
        stage.webhook(f"{stage.receiver.url}-{number}")
    stage.events(100)
    with recorded(stage.database) as statements:
        assert stage.drain() == 1000
    assert len(statements) < 1000
