"""What an endpoint's terms and standing do to its deliveries: breaker, pauses, limits, order, the end."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from domain.clock import system_clock
from domain.deliveries.models import webhook_deliveries
from domain.events.commands import Happening, record_events
from domain.events.examples import example_data
from domain.events.models import events
from domain.webhooks.health import BREAKS_AFTER
from domain.webhooks.models import webhooks
from tests.jobs.conftest import Stage
from tests.support.receiver import Answer, Arrival


def change(stage: Stage, **values: Any) -> None:
    with stage.database.transaction() as session:
        session.execute(update(webhooks).values(**values))


def character(number: int) -> str:
    """The id of one of them."""
    return f"chr_{number:026}"


def changes(stage: Stage, entity_ids: Sequence[str]) -> list[str]:
    """An event of each of these characters; the events' ids."""
    data, changed = example_data("asset.approved")
    told = [Happening("asset.approved", None, {**data, "id": entity_id}, changed) for entity_id in entity_ids]
    with stage.database.transaction() as session:
        return record_events(session, stage.context(), told)


def operational(stage: Stage) -> list[str]:
    with stage.database.reading() as session:
        chosen = select(events.c.type).where(events.c.family == "webhook").order_by(events.c.seq)
        return list(session.execute(chosen).scalars())


def statuses(stage: Stage) -> list[str]:
    return [row["status"] for row in stage.deliveries()]


def test_the_breaker_opens_and_one_delivery_probes(stage: Stage) -> None:
    stage.webhook()
    stage.receiver.answer = lambda _: Answer(500)
    stage.events(200)
    stage.drain()
    row = stage.webhook_row()
    assert row["breaker"] == "open"
    assert row["paused_until"] > system_clock()
    tried = len(stage.receiver.arrivals)
    assert BREAKS_AFTER <= tried < 200
    assert {row["status"] for row in stage.deliveries()} == {"pending"}
    assert operational(stage) == ["webhook.failing"]
    assert stage.drain() == 0

    change(stage, paused_until=system_clock())
    assert stage.drain() == 1
    assert stage.webhook_row()["breaker"] == "open"

    stage.receiver.answer = lambda _: Answer()
    change(stage, paused_until=system_clock())
    stage.drain()
    assert stage.webhook_row()["breaker"] == "closed"
    assert operational(stage) == ["webhook.failing", "webhook.recovered"]
    assert {row["status"] for row in stage.deliveries() if row["attempts_count"] == 1} == {"delivered", "pending"}
    assert 0 not in {row["attempts_count"] for row in stage.deliveries()}


def test_a_pause_that_one_receiver_asks_for_is_its_own(stage: Stage) -> None:
    slow, _ = stage.webhook(f"{stage.receiver.url}-slow")
    stage.webhook()
    stage.receiver.answer = lambda arrival: (
        Answer(429, {"Retry-After": "60"}) if arrival.path.endswith("-slow") else Answer()
    )
    changes(stage, [character(1)])
    stage.drain()
    changes(stage, [character(2)])
    stage.drain()
    assert [arrival.path.endswith("-slow") for arrival in stage.receiver.arrivals].count(True) == 1
    assert {row["status"] for row in stage.deliveries() if row["webhook_id"] != slow} == {"delivered"}


def test_so_many_at_a_time(stage: Stage) -> None:
    stage.webhook()
    change(stage, max_concurrency=3)
    lock, now, most = threading.Lock(), [0], [0]
    three = threading.Barrier(3)

    def answer(_: Arrival) -> Answer:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        three.wait(10)  # three are there at once
        with lock:
            now[0] -= 1
        return Answer()

    stage.receiver.answer = answer
    stage.events(12)
    stage.drain()
    assert statuses(stage) == ["delivered"] * 12
    assert most == [3]


def test_so_many_a_minute(stage: Stage) -> None:
    stage.webhook()
    change(stage, rate_per_minute=300)  # five in a second
    stage.events(40)
    began = system_clock()
    sent = stage.drain()
    seconds = (system_clock() - began).total_seconds()
    assert 5 <= sent <= 5 + 5 * seconds + 1


def test_one_entitys_events_arrive_in_order_and_a_stuck_one_holds_up_no_other(stage: Stage) -> None:
    stage.webhook()
    change(stage, ordering="entity")
    stuck = character(9)
    stage.receiver.answer = lambda arrival: Answer(500 if arrival.event["data"]["id"] == stuck else 200)
    order = [character(number % 5) for number in range(50)]
    sent = dict(zip(changes(stage, [*order, stuck, stuck, *order]), [*order, stuck, stuck, *order], strict=True))
    stage.drain()
    arrived = defaultdict(list)
    for arrival in stage.receiver.arrivals:
        arrived[arrival.event["data"]["id"]].append(arrival.id)
    for entity_id in set(order):
        assert arrived[entity_id] == [event_id for event_id, of in sent.items() if of == entity_id]
    assert len(arrived[stuck]) == 1  # the second waits for the first

    stage.receiver.answer = lambda _: Answer()
    with stage.database.transaction() as session:
        session.execute(update(webhook_deliveries).values(due_at=system_clock()))
    stage.drain()
    assert [arrival.id for arrival in stage.receiver.arrivals if arrival.event["data"]["id"] == stuck][1:] == [
        event_id for event_id, of in sent.items() if of == stuck
    ]


@pytest.mark.parametrize(("days", "enabled"), [(4.9, True), (5.1, False)])
def test_a_webhook_that_failed_for_too_long_is_disabled(stage: Stage, days: float, enabled: bool) -> None:
    stage.webhook()
    change(stage, failing_since=system_clock() - timedelta(days=days), failures_in_a_row=3, failing_told=True)
    stage.receiver.answer = lambda _: Answer(500)
    stage.events(2)
    stage.drain()
    row = stage.webhook_row()
    assert row["enabled"] is enabled
    assert row["disabled_reason"] == (None if enabled else "exhausted")
    assert operational(stage) == ([] if enabled else ["webhook.disabled"])
    assert set(statuses(stage)) == ({"pending"} if enabled else {"cancelled"})


def test_a_webhook_may_hear_of_others_in_trouble(stage: Stage) -> None:
    stage.webhook(f"{stage.receiver.url}-bad")
    stage.webhook(event_types=("webhook.failing",))
    stage.receiver.answer = lambda arrival: Answer(500 if arrival.path.endswith("-bad") else 200)
    stage.events(BREAKS_AFTER)
    stage.drain()
    (told,) = [arrival.event for arrival in stage.receiver.arrivals if not arrival.path.endswith("-bad")]
    assert told["type"] == "webhook.failing"
    assert told["data"]["url"].endswith("-bad")
    assert told["data"]["failing_since"] is not None
