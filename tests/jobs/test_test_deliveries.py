"""A test of a webhook through the real pipeline: traced, with its payload version's example, and no credential kept."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import update

from domain.clock import system_clock
from domain.events.catalogue import TYPES
from domain.events.schemas import PAYLOAD_VERSIONS
from domain.webhooks.commands import send_test
from domain.webhooks.models import webhooks
from jobs.sending import HIDDEN, Target, attempt
from jobs.transport import Transport
from tests.jobs.conftest import LOOPBACK, Stage
from tests.support.claiming import claim_due
from tests.support.receiver import Answer
from tests.support.schemas import mistakes_in

PHASES = {"dns", "connect", "first_byte", "body"}


def send(stage: Stage, webhook_id: str, event_type: str = "asset.approved") -> None:
    with stage.database.transaction() as session:
        send_test(session, stage.context(), webhook_id, event_type)


def test_it_works(stage: Stage) -> None:
    webhook_id, secret = stage.webhook(stage.receiver.url.replace("127.0.0.1", "localhost"))
    send(stage, webhook_id)
    stage.drain()
    (arrival,) = stage.receiver.arrivals
    arrival.verify(secret)
    (row,) = stage.attempts()
    assert row["details"]["dns"] == ["127.0.0.1"]
    assert row["details"]["address"] == row["address"]
    assert row["details"]["tls"] is None
    assert set(row["details"]["phases"]) == PHASES


def test_what_is_no_test_is_not_traced(stage: Stage) -> None:
    stage.webhook()
    stage.events(1)
    stage.drain()
    (row,) = stage.attempts()
    assert (row["status_code"], row["details"]) == (200, None)


@pytest.mark.parametrize("version", PAYLOAD_VERSIONS)
def test_every_example_arrives_in_the_webhooks_payload_version(stage: Stage, version: str) -> None:
    webhook_id, _ = stage.webhook()
    with stage.database.transaction() as session:
        session.execute(update(webhooks).values(payload_version=version))
    for event_type in TYPES:
        send(stage, webhook_id, event_type)
    stage.drain()
    events = [arrival.event for arrival in stage.receiver.arrivals]
    assert {event["type"] for event in events} == set(TYPES)
    assert {event["version"] for event in events} == {version}
    assert [mistake for event in events for mistake in mistakes_in(event)] == []


def test_a_failed_test_tells_how_far_it_came(stage: Stage) -> None:
    webhook_id, _ = stage.webhook("http://10.0.0.7/hooks")
    send(stage, webhook_id)
    stage.drain()
    (row,) = stage.attempts()
    assert row["error"] == "forbidden_address"
    assert row["details"] == {"dns": [], "address": None, "tls": None, "phases": {}}


def test_credentials_that_a_receiver_repeats_are_not_kept(stage: Stage) -> None:
    webhook_id, _ = stage.webhook()
    send(stage, webhook_id)
    headers = {"Authorization": "Bearer s3cr3t-t0ken", "X-Studio-Key": "opensesame", "X-Plain": "yes"}
    stage.receiver.answer = lambda arrival: Answer(
        401,
        {"X-Echo": arrival.headers["authorization"]},
        f"no: {arrival.headers['x-studio-key']} or s3cr3t-t0ken, yes".encode(),
    )
    with stage.database.transaction() as session:
        (claimed,) = claim_due(session, system_clock(), 1)

    async def run() -> object:
        async with Transport(LOOPBACK) as transport:
            target = Target(stage.receiver.url, 5, headers, ["whsec_AAAA"])
            return await attempt(transport, target, claimed, 3, system_clock)

    made = asyncio.run(run())
    assert stage.receiver.arrivals[0].headers["authorization"] == headers["Authorization"]
    assert "s3cr3t" not in repr(made)
    assert "opensesame" not in repr(made)
    assert f"no: {HIDDEN} or {HIDDEN}, yes" in repr(made)
