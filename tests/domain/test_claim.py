"""Deliveries under lease and fence: claimed by one worker, due again when it dies, changed by the holder alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, delete, select, text

from domain.db import Database
from domain.deliveries.claiming import LEASE, Claimed
from domain.deliveries.models import webhook_attempts, webhook_deliveries
from domain.deliveries.recording import Attempt, Outcome, record
from tests.factories import make_event, make_webhook
from tests.support.claiming import claim_due
from tests.support.clock import NOON
from tests.support.threads import at_once


def make_deliveries(database: Database, count: int) -> None:
    for _ in range(count):
        make_event(database, "asset.approved")


def take(database: Database, now: datetime = NOON, limit: int = 100) -> list[Claimed]:
    with database.transaction() as session:
        return claim_due(session, now, limit)


def finish(database: Database, claimed: Sequence[Claimed], status: str = "delivered", now: datetime = NOON) -> None:
    outcomes = [
        Outcome(Attempt(one, now, 1, 200, None, "", response_body="ok"), status, now + timedelta(hours=1))
        for one in claimed
    ]
    with database.transaction() as session:
        record(session, outcomes, now)


def rows(database: Database) -> list[RowMapping]:
    with database.reading() as session:
        return list(session.execute(select(webhook_deliveries).order_by(webhook_deliveries.c.id)).mappings())


def attempts(database: Database) -> list[int]:
    with database.reading() as session:
        return list(session.execute(select(webhook_attempts.c.number).order_by(webhook_attempts.c.number)).scalars())


def test_it_works(database: Database) -> None:
    hook = make_webhook(database)
    make_deliveries(database, 1)
    (claimed,) = take(database)
    assert (claimed.webhook_id, claimed.attempt) == (hook.id, 1)
    assert claimed.body.startswith(b'{"id":"evt_')
    (row,) = rows(database)
    assert (row["status"], row["attempts_count"], row["due_at"]) == ("sending", 1, NOON + LEASE)
    finish(database, [claimed])
    (row,) = rows(database)
    assert (row["status"], row["last_status_code"], row["finished_at"]) == ("delivered", 200, NOON)
    assert attempts(database) == [1]
    assert take(database, NOON + timedelta(days=9)) == []


def test_it_takes_no_more_than_was_asked_for_and_the_oldest_first(database: Database) -> None:
    make_webhook(database)
    make_deliveries(database, 5)
    ids = [row["id"] for row in rows(database)]
    assert [one.id for one in take(database, limit=2)] == ids[:2]
    assert [one.id for one in take(database, limit=2)] == ids[2:4]
    assert [one.id for one in take(database, limit=2)] == ids[4:]
    assert take(database, limit=2) == []


def test_no_query_plan_takes_more_than_was_asked_for(database: Database) -> None:
    make_webhook(database)
    make_deliveries(database, 6)
    with database.transaction() as session:
        if session.dialect == "postgresql":  # leave the planner nothing but a loop over the rows
            for kind in ("hashjoin", "mergejoin", "material", "hashagg", "sort"):
                session.execute(text(f"SET LOCAL enable_{kind} = off"))
        assert len(claim_due(session, NOON, 2)) == 2


def test_it_takes_nothing_before_its_time(database: Database) -> None:
    make_webhook(database)
    make_deliveries(database, 1)
    assert take(database, NOON - timedelta(milliseconds=1)) == []
    finish(database, take(database), "pending")
    assert take(database, NOON + timedelta(minutes=59)) == []
    (again,) = take(database, NOON + timedelta(hours=1))
    assert again.attempt == 2


def test_a_lease_that_ran_out_is_due_again(database: Database) -> None:
    make_webhook(database)
    make_deliveries(database, 1)
    (first,) = take(database)
    assert take(database, NOON + LEASE - timedelta(milliseconds=1)) == []
    (second,) = take(database, NOON + LEASE)
    assert (first.id, first.attempt, second.attempt) == (second.id, 1, 2)
    assert first.lease_token != second.lease_token


def test_a_worker_that_lost_its_lease_changes_nothing_but_its_attempt_is_kept(database: Database) -> None:
    make_webhook(database)
    make_deliveries(database, 1)
    stale, holder = take(database), take(database, NOON + LEASE)
    before = rows(database)
    finish(database, stale, "failed", NOON + LEASE)
    assert rows(database) == before
    assert attempts(database) == [1]
    finish(database, holder, now=NOON + LEASE)
    assert rows(database)[0]["status"] == "delivered"
    assert attempts(database) == [1, 2]


def test_a_worker_that_comes_back_after_the_end_changes_nothing(database: Database) -> None:
    make_webhook(database)
    make_deliveries(database, 1)
    stale, holder = take(database), take(database, NOON + LEASE)
    finish(database, holder, now=NOON + LEASE)
    finish(database, stale, "pending", NOON + LEASE)
    assert rows(database)[0]["status"] == "delivered"


def test_a_delivery_that_is_gone_holds_up_no_other(database: Database) -> None:
    make_webhook(database)
    make_deliveries(database, 2)
    claimed = take(database)
    with database.transaction() as session:
        session.execute(delete(webhook_deliveries).where(webhook_deliveries.c.id == claimed[0].id))
    finish(database, claimed)
    assert [row["status"] for row in rows(database)] == ["delivered"]
    assert attempts(database) == [1]


def test_claimers_at_once_never_take_the_same_one(database: Database) -> None:
    make_webhook(database)
    make_deliveries(database, 60)

    def work() -> list[list[str]]:
        return [[one.id for one in claimed] for claimed in iter(lambda: take(database, limit=7), [])]

    batches = [batch for mine in at_once(4, work) for batch in mine]
    taken = [delivery_id for batch in batches for delivery_id in batch]
    assert len(taken) == len(set(taken)) == 60
    assert max(len(batch) for batch in batches) <= 7
    assert {row["attempts_count"] for row in rows(database)} == {1}


def test_a_claimer_does_not_wait_for_another(database: Database) -> None:
    """On PostgreSQL it skips what is locked; on SQLite writers take turns, so there is nothing to skip."""
    if database.is_sqlite:
        return
    make_webhook(database)
    make_deliveries(database, 4)
    with database.transaction() as session:
        first = claim_due(session, NOON, 2)
        second = take(database, limit=10)
    assert len(first) == len(second) == 2
    assert not {one.id for one in first} & {one.id for one in second}


def test_a_thin_webhook_gets_the_thin_body(database: Database) -> None:
    make_webhook(database, payload_version="v1-thin")
    make_deliveries(database, 1)
    assert b'"version":"v1-thin"' in take(database)[0].body
