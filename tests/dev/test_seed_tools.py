"""The seeded studio's keys, webhooks, deliveries and metadata."""

from __future__ import annotations

import stat
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Select, select

from domain.access import Permission
from domain.api_keys.models import api_keys
from domain.api_keys.queries import find_credential, status_of
from domain.db import Database
from domain.deliveries.commands import fan_out
from domain.deliveries.models import webhook_attempts, webhook_deliveries
from domain.deliveries.queries import next_due
from domain.events.models import events
from domain.metadata.commands import rule_of
from domain.metadata.models import metadata_values
from domain.metadata.types import COLUMNS, TYPES, side_columns
from domain.metadata_fields.models import metadata_fields
from domain.projects.models import PROJECTS
from domain.studio import ASSETS, KINDS
from domain.webhooks import queries as webhook_queries
from domain.webhooks.models import webhook_event_types, webhooks
from domain.webhooks.retry import Verdict, judge
from domain.webhooks.signing import signed_headers
from tests.dev.conftest import Studio


def rows(database: Database, statement: Select[Any]) -> list[Any]:
    with database.reading() as session:
        return list(session.execute(statement).mappings())


def test_keys_in_every_state_and_scope(studio: Studio) -> None:
    now = studio.services.clock()
    found = rows(studio.services.database, select(api_keys))
    assert {status_of(row, now) for row in found} == {"active", "suspended", "revoked", "expired"}
    assert {row["scope"] for row in found} == {"full", "project", "read_only"}
    assert any(row["allowed_cidrs"] for row in found)
    assert any(row["last_used_at"] is None for row in found)
    assert any(row["expires_at"] and now < row["expires_at"] < now + timedelta(days=7) for row in found)
    token = next(word for word in studio.text.split() if word.startswith("csk_"))
    with studio.services.database.reading() as session:
        credential = find_credential(session, token)
    credential.check(studio.services.keyring, token, now)
    assert all(credential.actor.may(permission) for permission in Permission)


def test_every_webhook_has_its_patterns_a_secret_and_a_standing(studio: Studio) -> None:
    database, now = studio.services.database, studio.services.clock()
    found = rows(database, select(webhooks))
    with database.reading() as session:
        secrets = webhook_queries.signing_secrets(session, studio.services.keyring, [row["id"] for row in found], now)
    for row in found:
        patterns = rows(database, select(webhook_event_types).where(webhook_event_types.c.webhook_id == row["id"]))
        assert {pattern["pattern"] for pattern in patterns} == set(row["event_types"])
        assert len(secrets[row["id"]]) == 1
    assert {webhook_queries.status_of(row) for row in found} == {"healthy", "failing", "disabled"}
    assert [row["disabled_reason"] for row in found if row["disabled_reason"]] == ["gone"]


def test_the_receiver_may_read_the_secrets_of_its_webhooks_and_nobody_else(studio: Studio) -> None:
    database = studio.services.database
    file = studio.home / "demo_receiver_secrets"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    local = [
        row["id"] for row in rows(database, select(webhooks)) if row["url"].startswith("http://127.0.0.1:8010/hooks/")
    ]
    with database.reading() as session:
        known = webhook_queries.signing_secrets(session, studio.services.keyring, local, studio.services.clock())
    assert sorted(file.read_text().split()) == sorted(secret for one in known.values() for secret in one)


def test_nothing_is_due_and_little_waits(studio: Studio) -> None:
    now = studio.services.clock()
    with studio.services.database.reading() as session:
        due = next_due(session)
    assert due is not None
    assert due > now + timedelta(hours=1)
    waiting = rows(studio.services.database, select(webhook_deliveries).where(webhook_deliveries.c.status == "pending"))
    assert 1 <= len(waiting) <= 2


def test_each_delivery_agrees_with_its_attempts(studio: Studio) -> None:
    database = studio.services.database
    deliveries = rows(database, select(webhook_deliveries))
    assert 100 <= len(deliveries) <= 160
    attempts: dict[str, list[Any]] = {}
    for attempt in rows(database, select(webhook_attempts).order_by(webhook_attempts.c.number)):
        attempts.setdefault(attempt["delivery_id"], []).append(attempt)
    for delivery in deliveries:
        made = attempts[delivery["id"]]
        assert [attempt["number"] for attempt in made] == list(range(1, delivery["attempts_count"] + 1))
        assert made[-1]["status_code"] == delivery["last_status_code"]
        verdicts = [judge(attempt["status_code"]) for attempt in made]
        assert set(verdicts[:-1]) <= {Verdict.RETRY}
        assert {"delivered": Verdict.DELIVERED, "cancelled": Verdict.GONE}.get(
            delivery["status"], Verdict.RETRY
        ) == verdicts[-1]
        assert delivery["created_at"] <= made[0]["started_at"]
        assert (delivery["finished_at"] is None) == (delivery["status"] == "pending")
    assert {attempt["error"] for made in attempts.values() for attempt in made} >= {None, "timeout", "refused"}


def test_past_signatures_are_real(studio: Studio) -> None:
    database, now = studio.services.database, studio.services.clock()
    joined = (
        select(
            webhook_attempts.c.request_headers,
            webhooks.c.id,
            webhooks.c.payload_version,
            events.c.body,
            events.c.thin_body,
        )
        .join(webhook_deliveries, webhook_deliveries.c.id == webhook_attempts.c.delivery_id)
        .join(webhooks, webhooks.c.id == webhook_deliveries.c.webhook_id)
        .join(events, events.c.id == webhook_deliveries.c.event_id)
    )
    for row in rows(database, joined.limit(40)):
        with database.reading() as session:
            [secret] = webhook_queries.signing_secrets(session, studio.services.keyring, [row["id"]], now)[row["id"]]
        body = (row["thin_body"] if row["payload_version"] == "v1-thin" else row["body"]).encode()
        sent = row["request_headers"]
        wanted = signed_headers([secret], sent["webhook-id"], int(sent["webhook-timestamp"]), body)
        assert sent.items() >= wanted.items()


def test_a_webhook_got_what_it_had_asked_for(studio: Studio) -> None:
    """The past was made up in Python; `fan_out` over the same events must choose the same deliveries."""
    database = studio.services.database
    enabled = [row for row in rows(database, select(webhooks)) if row["enabled"]]
    for webhook in enabled:
        heard = select(events.c.id).where(events.c.created_at >= webhook["created_at"], ~events.c.is_test)
        wanted = [row["id"] for row in rows(database, heard)]
        here = select(webhook_deliveries.c.event_id).join(events, events.c.id == webhook_deliveries.c.event_id)
        sent = here.where(webhook_deliveries.c.webhook_id == webhook["id"], ~events.c.is_test)
        assert {row["event_id"] for row in rows(database, sent)} == _fanned_out(database, webhook["id"], wanted)


def _fanned_out(database: Database, webhook_id: str, event_ids: list[str]) -> set[str]:
    """What `fan_out` would send it, in a transaction that is taken back."""
    table = webhook_deliveries
    made: set[str] = set()
    with suppress(_TakenBack), database.transaction() as session:
        session.execute(table.delete())
        fan_out(session, event_ids, datetime.now(UTC))
        made |= set(session.execute(select(table.c.event_id).where(table.c.webhook_id == webhook_id)).scalars())
        raise _TakenBack
    return made


class _TakenBack(Exception):
    """Rolls a transaction back."""


def test_events_tell_of_their_entities_as_they_are(studio: Studio) -> None:
    database = studio.services.database
    latest: dict[str, Any] = {}
    for event in rows(database, select(events).where(~events.c.is_test).order_by(events.c.seq)):
        body = orjson.loads(event["body"])
        assert (body["id"], body["type"], body["actor"]) == (event["id"], event["type"], event["actor"])
        latest[event["entity_id"]] = body["data"]
    for kind in ASSETS:
        for row in rows(database, select(kind.table)):
            told = latest[row["id"]]
            assert (told["version"], told["status"], told["name"]) == (row["version"], row["status"], row["name"])
            assert told["metadata"] == row["metadata"]


def test_metadata_has_fields_and_typed_values(studio: Studio) -> None:
    """Every value fits its field, and is in the side table as the commands would have put it there."""
    database = studio.services.database
    fields = {(row["project_id"], row["object"], row["key"]): row for row in rows(database, select(metadata_fields))}
    assert {field["type"] for field in fields.values()} == set(TYPES)
    expected = set()
    for kind in KINDS:
        for row in rows(database, select(kind.table)):
            project_id = row["id"] if kind is PROJECTS else row["project_id"]
            for key, value in row["metadata"].items():
                field = fields[project_id, kind.object, key]
                assert rule_of(field).check(value) == (value, [])
                expected |= {(row["id"], key, *side.values()) for side in side_columns(field["type"], value)}
    columns = [metadata_values.c[name] for name in ("entity_id", "key", "item", *COLUMNS)]
    assert {tuple(row.values()) for row in rows(database, select(*columns))} == expected
    assert len({entity_id for entity_id, *_ in expected}) > 750
