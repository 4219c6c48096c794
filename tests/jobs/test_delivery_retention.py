"""Events, deliveries and bodies of attempts are kept as long as is set, and pruned in small batches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, text, update

from domain.access import SYSTEM
from domain.audit.models import api_audit_log
from domain.clock import rfc3339
from domain.db import Database
from domain.deliveries.models import webhook_attempts, webhook_deliveries
from domain.events.commands import Context, Happening, record_events, write_events
from domain.events.examples import example_data
from domain.events.models import events
from domain.replays.commands import Terms, Wanted, cancel_replay, plan_replay, start_replay
from jobs import retention
from jobs.retention import DeliveryPruner
from tests.factories import make_webhook
from tests.support.clock import NOON

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Days:
    attempt_body_days: int = 7
    delivery_days: int = 30
    event_days: int = 90


def emit(database: Database, age: int, status: str = "delivered", count: int = 1, *, heard: bool = True) -> None:
    """Events of so many days ago, each with a delivery that stands so and an attempt."""
    happenings = [Happening("asset.approved", None, *example_data("asset.approved"))] * count
    at, table = NOON - age * DAY, webhook_deliveries
    with database.transaction() as session:
        ids = (record_events if heard else write_events)(session, Context(SYSTEM, at), happenings)
        session.execute(update(table).where(table.c.event_id.in_(ids)).values(status=status))
        said = {"request_headers": {"a": "b"}, "response_headers": {"c": "d"}, "response_body": "thanks"}
        for delivery_id in session.execute(select(table.c.id).where(table.c.event_id.in_(ids))).scalars().all():
            row = {"delivery_id": delivery_id, "number": 1, "started_at": at, "duration_ms": 1, **said}
            session.execute(insert(webhook_attempts).values(row))


def prune(database: Database, days: Days = Days(), now: datetime = NOON) -> int:
    pruner, steps = DeliveryPruner(database, days), 1
    while pruner.step(now):
        steps += 1
    return steps


def left(database: Database) -> tuple[int, int, int]:
    """How many events, deliveries and attempts there are."""
    with database.reading() as session:
        tables = (events, webhook_deliveries, webhook_attempts)
        counts = [session.execute(select(func.count()).select_from(table)).scalar_one() for table in tables]
    return counts[0], counts[1], counts[2]


def test_it_works(database: Database) -> None:
    make_webhook(database)
    for age in (91, 89, 31, 29, 1):
        emit(database, age)
    prune(database)
    assert left(database) == (4, 2, 2)
    with database.reading() as session:
        chosen = select(api_audit_log.c.source, api_audit_log.c.action, api_audit_log.c.changes)
        noted = session.execute(chosen.order_by(api_audit_log.c.id)).all()
    assert [(row.source, row.action, row.changes["count"]) for row in noted] == [
        ("system", "attempt.prune", 4),
        ("system", "delivery.prune", 3),
        ("system", "event.prune", 1),
    ]
    assert noted[-1].changes["until"] == rfc3339(NOON - 90 * DAY)
    prune(database)
    with database.reading() as session:
        assert session.execute(select(func.count()).select_from(api_audit_log)).scalar_one() == 3  # nothing was done


def test_bodies_go_first(database: Database) -> None:
    make_webhook(database)
    for age in (8, 6):
        emit(database, age)
    prune(database)
    with database.reading() as session:
        old, new = session.execute(select(webhook_attempts).order_by(webhook_attempts.c.started_at)).mappings().all()
    assert (old["request_headers"], old["response_headers"], old["response_body"]) == ({}, {}, "")
    assert old["duration_ms"] == 1
    assert (new["request_headers"], new["response_body"]) == ({"a": "b"}, "thanks")


@pytest.mark.parametrize("status", ["pending", "sending"])
def test_what_is_to_be_sent_stays_and_so_does_its_event(database: Database, status: str) -> None:
    make_webhook(database)
    emit(database, 200, status)
    prune(database)
    assert left(database) == (1, 1, 1)


def test_an_event_that_nobody_was_sent_goes(database: Database) -> None:
    emit(database, 91, heard=False)
    emit(database, 89, heard=False)
    prune(database)
    assert left(database) == (1, 0, 0)


def test_an_event_stays_as_long_as_its_deliveries(database: Database) -> None:
    make_webhook(database)
    emit(database, 200)
    prune(database, Days(delivery_days=0))
    assert left(database) == (1, 1, 1)


def test_nothing_is_deleted_without_days(database: Database) -> None:
    make_webhook(database)
    emit(database, 3000)
    assert prune(database, Days(0, 0, 0)) == 1
    assert left(database) == (1, 1, 1)


def test_a_replay_that_runs_keeps_what_it_is_about(database: Database) -> None:
    hook = make_webhook(database).id
    for age in (200, 100, 40):
        emit(database, age)
    with database.transaction() as session:
        wanted = Wanted(since=NOON - 150 * DAY)
        plan = plan_replay(session, SYSTEM, hook, wanted, Terms(60, 30), NOON)
        replay_id = start_replay(session, Context(SYSTEM, NOON), plan)
    prune(database)
    assert left(database) == (2, 2, 2)
    with database.transaction() as session:
        cancel_replay(session, SYSTEM, replay_id, NOON)
    prune(database)
    assert left(database) == (1, 0, 0)


def test_a_step_deletes_no_more_than_a_batch(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 10)
    make_webhook(database)
    for age in range(40, 75):
        emit(database, age)
    pruner = DeliveryPruner(database, Days())
    assert pruner.step(NOON)
    assert left(database) == (35, 25, 25)
    assert prune(database) <= 5
    assert left(database) == (35, 0, 0)


def test_what_ended_after_it_was_passed_goes_a_day_later(database: Database) -> None:
    make_webhook(database)
    emit(database, 40, "pending")
    pruner = DeliveryPruner(database, Days())
    for hours, count in ((0, 1), (1, 1), (25, 0)):
        while pruner.step(NOON + timedelta(hours=hours)):
            pass
        assert left(database)[1] == count
        with database.transaction() as session:
            session.execute(update(webhook_deliveries).values(status="failed"))


def test_a_step_has_an_index_for_all_it_does(database: Database) -> None:
    """Whatever else is in the tables: no step reads more than its range."""
    make_webhook(database)
    for age in range(1, 60):
        emit(database, age, count=20)
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    end, start = (f"'{(NOON - age * DAY).isoformat(timespec='microseconds')}'" for age in (58, 59))
    with database.transaction() as session:
        if not database.is_sqlite:
            for table in ("webhook_attempts", "webhook_deliveries", "events"):
                # What other tests deleted swells the indexes, which would make the planner choose by their size.
                session.execute(text(f"REINDEX TABLE {table}"))
                session.execute(text(f"ANALYZE {table}"))
        for table, column in (
            ("webhook_attempts", "started_at"), ("webhook_deliveries", "created_at"), ("events", "created_at"),
        ):  # fmt: skip
            chosen = f"FROM {table} WHERE {column} >= {start} AND {column} < {end}"
            for statement in (f"DELETE {chosen}", f"SELECT {column} {chosen} ORDER BY {column} LIMIT 1 OFFSET 10"):
                plan = "\n".join(str(row) for row in session.execute(text(f"{explain} {statement}")))
                assert f"ix_{table}_{column}" in plan, plan
