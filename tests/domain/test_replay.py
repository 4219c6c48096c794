"""Replays: which events they are about, and the steps in which these are queued."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import RowMapping, delete, insert, select, update

from domain.access import SYSTEM
from domain.db import Database
from domain.deliveries.models import REPLAY, webhook_deliveries
from domain.errors import Conflict, Invalid
from domain.events.commands import Context, Happening, record_events, write_events
from domain.events.examples import example_data
from domain.events.models import events
from domain.replays import steps
from domain.replays.commands import Plan, Terms, Wanted, cancel_replay, plan_replay, start_replay
from domain.replays.queries import deliveries_by_status, due_replays, load_replay
from domain.replays.steps import step_replay
from domain.webhooks.models import webhooks
from tests.factories import make_webhook
from tests.support.clock import NOON

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
TERMS = Terms(per_minute=600, delivery_days=30)


def emit(
    database: Database, count: int = 1, at: datetime = NOON - DAY, type_: str = "asset.approved", *, heard: bool = True
) -> list[str]:
    """Events; with their deliveries unless nobody shall have heard of them."""
    happenings = [Happening(type_, None, *example_data(type_))] * count
    with database.transaction() as session:
        return (record_events if heard else write_events)(session, Context(SYSTEM, at), happenings)


def plan(database: Database, webhook_id: str, now: datetime = NOON, **wanted: Any) -> Plan:
    with database.reading() as session:
        return plan_replay(session, SYSTEM, webhook_id, Wanted(**wanted), TERMS, now)


def start(database: Database, webhook_id: str, now: datetime = NOON, **wanted: Any) -> str:
    planned = plan(database, webhook_id, now, **wanted)
    with database.transaction() as session:
        return start_replay(session, Context(SYSTEM, now), planned)


def step(database: Database, replay_id: str, now: datetime) -> int:
    with database.transaction() as session:
        return step_replay(session, replay_id, now, TERMS)


def finish(database: Database, replay_id: str, now: datetime = NOON + MINUTE) -> int:
    """Step until it is over; how many steps that took."""
    for count in range(1, 1000):
        step(database, replay_id, now)
        row = read(database, replay_id)
        if row["status"] != "running":
            return count
        now = max(now, row["next_at"])
    raise AssertionError("it does not end")


def read(database: Database, replay_id: str) -> dict[str, Any]:
    with database.reading() as session:
        return dict(load_replay(session, SYSTEM, replay_id))


def deliveries(database: Database, replay_id: str = "") -> list[RowMapping]:
    table = webhook_deliveries
    with database.reading() as session:
        chosen = select(table).where(table.c.replay_id == replay_id).order_by(table.c.id)
        return list(session.execute(chosen).mappings())


def replayed(database: Database, replay_id: str) -> list[str]:
    return [row["event_id"] for row in deliveries(database, replay_id)]


def set_status(database: Database, event_ids: list[str], status: str) -> None:
    table = webhook_deliveries
    with database.transaction() as session:
        session.execute(update(table).where(table.c.event_id.in_(event_ids)).values(status=status))


def change_webhook(database: Database, webhook_id: str, **values: Any) -> None:
    with database.transaction() as session:
        session.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(**values))


def test_it_works(database: Database) -> None:
    hook = make_webhook(database, ["asset.*"]).id
    make_webhook(database, ["*"])
    sent = emit(database, 25)
    emit(database, type_="scene.created")
    replay_id = start(database, hook)
    assert read(database, replay_id)["count"] == 25
    finish(database, replay_id)
    rows = deliveries(database, replay_id)
    assert [row["event_id"] for row in rows] == sent  # ids, and so the sending, in the feed's order
    assert {(row["webhook_id"], row["lane"], row["status"]) for row in rows} == {(hook, REPLAY, "pending")}
    row = read(database, replay_id)
    assert (row["status"], row["queued_count"], row["note"]) == ("completed", 25, "")
    with database.reading() as session:
        assert deliveries_by_status(session, replay_id)["pending"] == 25


@pytest.mark.parametrize("status", [None, "failed", "missing"])
def test_the_count_beforehand_is_what_is_queued(database: Database, status: str | None) -> None:
    hook = make_webhook(database).id
    expected = {
        "delivered": emit(database, 3),
        "failed": emit(database, 4),
        "cancelled": emit(database, 5),
        "pending": emit(database, 6),
        "missing": emit(database, 7, heard=False),
    }
    for name in ("delivered", "failed", "cancelled"):
        set_status(database, expected[name], name)
    chosen = {None: list(expected), "failed": ["failed", "cancelled"], "missing": ["missing"]}[status]
    replay_id = start(database, hook, status=status)
    finish(database, replay_id)
    assert sorted(replayed(database, replay_id)) == sorted(one for name in chosen for one in expected[name])
    assert read(database, replay_id)["count"] == len(replayed(database, replay_id))


def test_what_failed_and_was_sent_since_is_not_failed(database: Database) -> None:
    hook = make_webhook(database).id
    set_status(database, emit(database, 3), "failed")
    first = start(database, hook, status="failed")
    finish(database, first)
    assert plan(database, hook, NOON + MINUTE, status="failed").count == 0  # they wait
    with database.transaction() as session:
        table = webhook_deliveries
        session.execute(update(table).where(table.c.replay_id == first).values(status="delivered"))
    assert plan(database, hook, NOON + MINUTE, status="failed").count == 0
    with database.transaction() as session:
        session.execute(update(table).where(table.c.replay_id == first).values(status="failed"))
    assert plan(database, hook, NOON + MINUTE, status="failed").count == 3


def test_a_new_webhook_gets_what_was_before_it(database: Database) -> None:
    old = emit(database, 5, NOON - 60 * DAY, heard=False)
    hook = make_webhook(database).id  # at noon
    assert plan(database, hook, NOON + MINUTE, status="missing").count == 5
    replay_id = start(database, hook, NOON + MINUTE, status="missing")
    finish(database, replay_id, NOON + 2 * MINUTE)
    assert replayed(database, replay_id) == old


def test_what_was_delivered_longer_ago_than_deliveries_are_kept_is_not_missing(database: Database) -> None:
    hook = make_webhook(database).id
    change_webhook(database, hook, created_at=NOON - 100 * DAY)
    emit(database, 5, NOON - 31 * DAY)
    missed = emit(database, 2, NOON - 29 * DAY, heard=False)
    with database.transaction() as session:
        session.execute(delete(webhook_deliveries))
    replay_id = start(database, hook, status="missing")
    finish(database, replay_id)
    assert replayed(database, replay_id) == missed


def test_a_range_of_time_and_types(database: Database) -> None:
    hook = make_webhook(database, ["asset.*", "job.failed"]).id
    emit(database, 2, NOON - 3 * DAY)
    wanted = emit(database, 3, NOON - 2 * DAY)
    emit(database, 4, NOON - 2 * DAY, "job.failed")
    emit(database, 1, NOON - DAY)
    emit(database, 1, NOON - 2 * DAY, "scene.created")
    within = {"since": NOON - 2 * DAY, "until": NOON - DAY}
    assert plan(database, hook, **within).count == 7
    assert plan(database, hook, **within, event_types=["*"]).count == 7
    assert plan(database, hook, **within, event_types=["scene.created"]).count == 0  # it does not listen for these
    replay_id = start(database, hook, **within, event_types=["asset.*"])
    finish(database, replay_id)
    assert replayed(database, replay_id) == wanted


def test_tests_are_not_sent_again(database: Database) -> None:
    hook = make_webhook(database).id
    with database.transaction() as session:
        told = Happening("asset.approved", None, *example_data("asset.approved"))
        write_events(session, Context(SYSTEM, NOON - DAY), [told], is_test=True)
    assert plan(database, hook).count == 0


def test_a_replay_of_nothing_is_over_at_once(database: Database) -> None:
    replay_id = start(database, make_webhook(database).id)
    assert finish(database, replay_id) == 1
    assert read(database, replay_id)["status"] == "completed"


@pytest.mark.parametrize(("per_minute", "at_once", "seconds"), [(600, 10, 1), (60, 1, 1), (6, 1, 10), (90, 1, 2 / 3)])
def test_it_keeps_to_its_rate(database: Database, per_minute: int, at_once: int, seconds: float) -> None:
    hook = make_webhook(database).id
    emit(database, 15)
    replay_id = start(database, hook, rate_per_minute=per_minute)
    now = NOON + MINUTE
    assert step(database, replay_id, now) == at_once
    assert read(database, replay_id)["next_at"] - now == timedelta(seconds=seconds)
    assert step(database, replay_id, now) == 0  # another sweeper, at the same moment
    with database.reading() as session:
        assert due_replays(session, now) == []
        assert due_replays(session, now + timedelta(seconds=seconds)) == [replay_id]


def test_it_begins_when_what_was_under_way_has_committed(database: Database) -> None:
    hook = make_webhook(database).id
    replay_id = start(database, hook)
    late = emit(database, 1, NOON - timedelta(milliseconds=1))
    with database.reading() as session:
        assert due_replays(session, NOON + timedelta(seconds=4)) == []
    finish(database, replay_id, NOON + timedelta(seconds=5))
    assert replayed(database, replay_id) == late


def test_events_whose_clock_was_behind_are_not_passed_over(database: Database) -> None:
    hook = make_webhook(database).id
    since, until = NOON - DAY, NOON - DAY + MINUTE
    sent = emit(database, 1, since)
    emit(database, 1, since - timedelta(milliseconds=1))
    emit(database, 1, until)
    sent += emit(database, 1, until - timedelta(milliseconds=1))
    replay_id = start(database, hook, since=since, until=until)
    finish(database, replay_id)
    assert replayed(database, replay_id) == sent


def test_few_among_many_are_found_in_short_steps(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "STRETCH", 10)
    hook = make_webhook(database, ["job.failed"]).id
    wanted = []
    for _ in range(4):
        emit(database, 30)
        wanted += emit(database, 1, type_="job.failed")
    replay_id = start(database, hook)
    assert finish(database, replay_id) > 12
    assert replayed(database, replay_id) == wanted


def test_a_disabled_webhook_is_sent_nothing_again(database: Database) -> None:
    hook = make_webhook(database, enabled=False).id
    emit(database, 1)
    assert plan(database, hook).count == 1
    with pytest.raises(Conflict, match="disabled"):
        start(database, hook)


def test_it_waits_while_its_webhook_is_disabled(database: Database) -> None:
    hook = make_webhook(database).id
    emit(database, 20)
    replay_id = start(database, hook)
    step(database, replay_id, NOON + MINUTE)
    change_webhook(database, hook, enabled=False)
    assert step(database, replay_id, NOON + 2 * MINUTE) == 0
    row = read(database, replay_id)
    assert (row["status"], row["note"], row["queued_count"]) == ("running", steps.DISABLED, 10)
    change_webhook(database, hook, enabled=True)
    finish(database, replay_id, NOON + 3 * MINUTE)
    row = read(database, replay_id)
    assert (row["status"], row["note"], row["queued_count"]) == ("completed", "", 20)


def test_it_does_not_wait_for_ever(database: Database) -> None:
    hook = make_webhook(database).id
    emit(database, 20)
    replay_id = start(database, hook)
    step(database, replay_id, NOON + MINUTE)
    change_webhook(database, hook, enabled=False)
    for days in (1, 6, 8):
        step(database, replay_id, NOON + days * DAY)
    row = read(database, replay_id)
    assert (row["status"], row["note"], row["finished_at"]) == ("cancelled", steps.GIVEN_UP, NOON + 8 * DAY)


def test_it_waits_for_a_receiver_that_is_behind(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "MOST_WAITING", 10)
    hook = make_webhook(database).id
    emit(database, 15)
    replay_id = start(database, hook)
    assert step(database, replay_id, NOON + MINUTE) == 10
    assert step(database, replay_id, NOON + 2 * MINUTE) == 0
    assert read(database, replay_id)["note"] == steps.BEHIND
    set_status(database, replayed(database, replay_id), "delivered")
    assert step(database, replay_id, NOON + 3 * MINUTE) == 5
    assert read(database, replay_id)["note"] == ""


def test_one_replay_of_a_webhook_runs_at_a_time(database: Database) -> None:
    hook = make_webhook(database).id
    first = start(database, hook)
    with pytest.raises(Conflict, match=first):
        start(database, hook)
    start(database, make_webhook(database).id)
    finish(database, first)
    start(database, hook)


def test_cancelling_stops_what_waits(database: Database) -> None:
    hook = make_webhook(database).id
    emit(database, 20)
    replay_id = start(database, hook)
    step(database, replay_id, NOON + MINUTE)
    first = replayed(database, replay_id)[0]
    set_status(database, [first], "sending")
    with database.transaction() as session:
        cancel_replay(session, SYSTEM, replay_id, NOON + MINUTE)
    assert step(database, replay_id, NOON + 2 * MINUTE) == 0
    assert [row["status"] for row in deliveries(database, replay_id)] == ["sending", *["cancelled"] * 9]
    row = read(database, replay_id)
    assert (row["status"], row["note"], row["queued_count"]) == ("cancelled", "Cancelled by Callsheet.", 10)
    with pytest.raises(Conflict, match="cancelled"), database.transaction() as session:
        cancel_replay(session, SYSTEM, replay_id, NOON + MINUTE)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"since": NOON}, "/since"),
        ({"since": NOON - DAY, "until": NOON - 2 * DAY}, "/since"),
        ({"until": NOON - 9000 * DAY}, "/until"),
        ({"status": "delivered"}, "/status"),
        ({"event_types": []}, "/event_types"),
        ({"event_types": ["asset.nonsense"]}, "/event_types/0"),
        ({"rate_per_minute": 0}, "/rate_per_minute"),
        ({"rate_per_minute": 60_001}, "/rate_per_minute"),
    ],
)
def test_it_refuses_what_cannot_be(database: Database, wanted: dict[str, Any], field: str) -> None:
    hook = make_webhook(database).id
    emit(database, 1)
    with pytest.raises(Invalid) as refused:
        plan(database, hook, **wanted)
    assert [error.field for error in refused.value.errors] == [field]


def test_the_same_event_is_in_a_replay_once(database: Database) -> None:
    hook = make_webhook(database).id
    (event_id,) = emit(database, 1)
    replay_id = start(database, hook)
    finish(database, replay_id)
    (row,) = deliveries(database, replay_id)
    with pytest.raises(Exception, match=r"(?i)unique"), database.transaction() as session:
        session.execute(insert(webhook_deliveries).values({**row, "id": "dlv_00000000000000000000000001"}))
    with database.reading() as session:
        assert session.execute(select(events.c.id)).scalars().all() == [event_id]
