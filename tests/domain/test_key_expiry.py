"""`api_key.expiring`: told 30, 7 and 1 days before a key's end, each once, to webhooks that name it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from domain.access import SYSTEM
from domain.api_keys.commands import change_key, note_expiring, revoke_key
from domain.clock import rfc3339
from domain.db import Database
from domain.deliveries.models import webhook_deliveries
from domain.events.models import events
from tests.factories import KEYRING, make_key, make_webhook
from tests.support.clock import NOON
from tests.support.threads import at_once

ENDS = NOON + timedelta(days=100)


def look(database: Database, now: datetime) -> int:
    with database.transaction() as session:
        return note_expiring(session, now)


def told(database: Database) -> list[dict[str, Any]]:
    with database.reading() as session:
        chosen = select(events.c.body).where(events.c.type == "api_key.expiring").order_by(events.c.seq)
        return [orjson.loads(body) for body in session.execute(chosen).scalars()]


def days_told(database: Database) -> list[int]:
    return [event["data"]["expires_within_days"] for event in told(database)]


def test_it_works(database: Database) -> None:
    key = make_key(database, name="Render farm", expires_at=ENDS)
    looks = [30.1, 30, 29.9, 7.1, 7, 6, 1.01, 1, 0.5, 0.01, 0, -1]
    seen = [look(database, ENDS - timedelta(days=left)) for left in looks]
    assert seen == [0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0]
    assert days_told(database) == [30, 7, 1]
    first = told(database)[0]
    assert (first["project_id"], first["actor"]["type"], first["changes"]) == (None, "system", {})
    shown = {"id": key.id, "object": "api_key", "name": "Render farm", "expires_at": rfc3339(ENDS), "status": "active"}
    assert {name: first["data"][name] for name in shown} == shown
    assert "key" not in first["data"]
    assert key.token.split("_")[2] not in str(first)


def test_of_several_that_are_due_the_last_alone_is_told(database: Database) -> None:
    make_key(database, expires_at=NOON + timedelta(hours=5))
    assert [look(database, NOON + timedelta(hours=n)) for n in range(3)] == [1, 0, 0]
    assert days_told(database) == [1]


def test_a_new_end_is_told_anew(database: Database) -> None:
    key = make_key(database, expires_at=NOON + timedelta(days=5))
    look(database, NOON)
    with database.transaction() as session:
        change_key(session, SYSTEM, key.id, {"expires_at": NOON + timedelta(days=20)}, NOON)
    look(database, NOON)
    assert days_told(database) == [7, 30]


def test_what_has_no_end_or_has_ended_is_not_told(database: Database) -> None:
    make_key(database, expires_at=None)
    revoked = make_key(database, expires_at=NOON + timedelta(days=2))
    with database.transaction() as session:
        revoke_key(session, SYSTEM, revoked.id, NOON)
    make_key(database, expires_at=NOON + timedelta(seconds=1))
    assert look(database, NOON + timedelta(seconds=1)) == 0


def test_several_who_look_at_once_tell_once(database: Database) -> None:
    for _ in range(20):
        make_key(database, expires_at=NOON + timedelta(days=3))
    assert sum(at_once(4, lambda: look(database, NOON))) == 20
    assert days_told(database) == [7] * 20


def test_what_is_rolled_back_is_told_later(database: Database) -> None:
    make_key(database, expires_at=NOON + timedelta(days=3))

    def fail() -> None:
        with database.transaction() as session:
            note_expiring(session, NOON)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert told(database) == []
    assert look(database, NOON) == 1


def test_only_webhooks_that_name_it_hear(database: Database) -> None:
    hooks = {pattern: make_webhook(database, [pattern], keyring=KEYRING).id for pattern in
             ("*", "asset.*", "api_key.*", "api_key.expiring")}  # fmt: skip
    make_key(database, expires_at=NOON + timedelta(days=3))
    look(database, NOON)
    with database.reading() as session:
        heard = set(session.execute(select(webhook_deliveries.c.webhook_id)).scalars())
    assert heard == {hooks["api_key.*"], hooks["api_key.expiring"]}
