"""PATCH and DELETE /webhooks/{id}: other terms, and none at all."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from sqlalchemy import func, select, update

from domain.audit.models import api_audit_log
from domain.db import Database
from domain.deliveries.models import webhook_deliveries
from domain.idempotency.models import idempotency_records
from domain.webhooks.headers import MOST_HEADERS
from domain.webhooks.models import (
    webhook_event_types,
    webhook_filters,
    webhook_projects,
    webhook_secrets,
    webhooks,
)
from domain.webhooks.queries import request_headers, signing_secrets
from tests.api.client import Answer
from tests.api.conftest import Cast
from tests.factories import KEYRING, make_event, make_webhook
from tests.support.clock import NOON

OTHER_URL = "https://93.184.216.34/other"
SECRETS = ("a-value-of-the-farm", "a-token-of-the-farm", "correct horse", "battery staple")


def change(cast: Cast, webhook_id: str, **fields: Any) -> Answer:
    return cast.admin.call("PATCH", f"/webhooks/{webhook_id}", json=fields)


def stored(database: Database, webhook_id: str) -> dict[str, Any]:
    with database.reading() as session:
        return dict(session.execute(select(webhooks).where(webhooks.c.id == webhook_id)).mappings().one())


def audit_rows(database: Database) -> str:
    with database.reading() as session:
        tables = (api_audit_log, idempotency_records)
        return repr([dict(row) for table in tables for row in session.execute(select(table)).mappings()])


def test_it_works(cast: Cast, database: Database) -> None:
    hook = make_webhook(database, ["*"])
    terms = {
        "url": OTHER_URL,
        "description": "Render farm",
        "event_types": ["asset.*", "job.completed"],
        "project_ids": [cast.project["id"]],
        "payload_version": "v1-thin",
        "filter": {"data.status": "approved", "data.position[gte]": 10},
        "ordering": "entity",
        "timeout_seconds": 5,
        "max_concurrency": 3,
        "rate_per_minute": 600,
    }
    answer = change(cast, hook.id, **terms)
    assert answer.status == 200
    assert {name: answer.data[name] for name in terms} == terms
    assert (answer.data["version"], answer.headers["ETag"]) == (2, f'"{hook.id}-2"')
    assert answer.data["secret"] is None
    told = answer.audit["changes"]
    assert told["ordering"] == {"from": "none", "to": "entity"}
    assert told["filter"] == {"from": None, "to": terms["filter"]}
    again = change(cast, hook.id, filter=None, project_ids=None, max_concurrency=None, rate_per_minute=None)
    assert [again.data[name] for name in ("filter", "project_ids", "max_concurrency", "rate_per_minute")] == [None] * 4
    with database.reading() as session:
        assert session.execute(select(webhook_filters)).first() is None
        assert session.execute(select(webhook_projects)).first() is None
        patterns = session.execute(select(webhook_event_types.c.pattern)).scalars().all()
        assert sorted(patterns) == ["asset.*", "job.completed"]


def test_no_filter_is_null_in_the_database_too(cast: Cast, database: Database) -> None:
    """So that the first test of the fan-out is all that it costs."""
    hook = make_webhook(database)
    for given in ({"data.a": 1}, None):
        change(cast, hook.id, filter=given)
    with database.reading() as session:
        assert session.execute(select(webhooks.c.id).where(webhooks.c.filter.is_(None))).scalars().all() == [hook.id]


def test_what_stays_as_it_was_changes_nothing(cast: Cast, database: Database) -> None:
    hook = make_webhook(database, ["*"], url=OTHER_URL)
    answer = change(cast, hook.id, url=OTHER_URL, event_types=["*", "*"], enabled=True, signature="v1")
    assert answer.data["version"] == 1
    assert answer.audit["changes"] is None


def test_it_takes_a_version_to_change(cast: Cast, database: Database) -> None:
    hook = make_webhook(database)
    path, tag = f"/webhooks/{hook.id}", f'"{hook.id}-1"'
    first, second = (
        cast.admin.call("PATCH", path, json={"description": text}, headers={"If-Match": tag}) for text in ("a", "b")
    )
    assert first.status == 200
    second.refused(412, "precondition-failed")
    cast.admin.call("DELETE", path, headers={"If-Match": tag}).refused(412, "precondition-failed")
    assert cast.admin.call("DELETE", path, headers={"If-Match": first.headers["ETag"]}).status == 200


@pytest.mark.parametrize("enabled", [True, False])
def test_turning_it_on_or_off_forgets_how_it_stood(cast: Cast, database: Database, enabled: bool) -> None:
    hook = make_webhook(database, enabled=not enabled)
    stood = {
        "disabled_reason": "gone", "failing_since": NOON, "failing_told": True, "breaker": "open",
        "failures_in_a_row": 7, "paused_until": NOON,
    }  # fmt: skip
    with database.transaction() as session:
        session.execute(update(webhooks).values(**stood))
    answer = change(cast, hook.id, enabled=enabled)
    assert answer.data["status"] == ("healthy" if enabled else "disabled")
    row = stored(database, hook.id)
    assert [row[name] for name in stood] == [None, None, False, "closed", 0, None]
    assert answer.audit["changes"]["enabled"] == {"from": not enabled, "to": enabled}
    assert answer.audit["changes"]["disabled_reason"] == {"from": "gone", "to": None}


def test_its_headers_are_kept_and_never_shown(cast: Cast, database: Database) -> None:
    auth = {"type": "bearer", "token": SECRETS[1]}
    body = {"url": OTHER_URL, "event_types": ["*"], "headers": {"X-Farm": SECRETS[0]}, "auth": auth}
    made = cast.admin.post("/webhooks", body, headers={"Idempotency-Key": "one"}).data
    assert (made["header_names"], made["auth_type"]) == (["X-Farm"], "bearer")
    assert not {"headers", "auth", "sealed_headers"} & made.keys()
    expected = {"X-Farm": SECRETS[0], "Authorization": f"Bearer {SECRETS[1]}"}
    assert request_headers(KEYRING, stored(database, made["id"])) == expected
    basic = {"type": "basic", "username": SECRETS[2], "password": SECRETS[3]}
    changed = change(cast, made["id"], auth=basic)
    assert (changed.data["header_names"], changed.data["auth_type"]) == (["X-Farm"], "basic")
    pair = base64.b64encode(f"{SECRETS[2]}:{SECRETS[3]}".encode()).decode()
    assert request_headers(KEYRING, stored(database, made["id"])) == {**expected, "Authorization": f"Basic {pair}"}
    assert changed.audit["changes"]["own_headers"]["to"] == {"header_names": ["X-Farm"], "auth_type": "basic"}
    kept = change(cast, made["id"], headers={"X-Other": SECRETS[0]})
    assert (kept.data["header_names"], kept.data["auth_type"]) == (["X-Other"], "basic")
    seen = audit_rows(database) + repr(stored(database, made["id"]))
    assert not [secret for secret in (*SECRETS, pair) if secret in seen]
    none = change(cast, made["id"], headers={}, auth=None)
    assert (none.data["header_names"], none.data["auth_type"]) == ([], None)
    assert stored(database, made["id"])["sealed_headers"] is None


def test_headers_that_cannot_be_read_are_given_anew_together(cast: Cast, database: Database) -> None:
    hook = make_webhook(database, headers={"X-Farm": "a"})
    with database.transaction() as session:
        session.execute(update(webhooks).values(sealed_headers=b"x" * 40))
    change(cast, hook.id, headers={"X-Farm": "b"}).refused(409, "conflict")
    assert change(cast, hook.id, headers={"X-Farm": "b"}, auth=None).status == 200


BAD_TERMS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a forbidden URL": ({"url": "http://127.0.0.1/"}, ["/url"]),
    "no event types": ({"event_types": []}, ["/event_types"]),
    "an unknown ordering": ({"ordering": "strict"}, ["/ordering"]),
    "an unknown signature": ({"signature": "v2"}, ["/signature"]),
    "no time at all": ({"timeout_seconds": 0}, ["/timeout_seconds"]),
    "too much time": ({"timeout_seconds": 21}, ["/timeout_seconds"]),
    "no timeout": ({"timeout_seconds": None}, ["/timeout_seconds"]),
    "no request at a time": ({"max_concurrency": 0}, ["/max_concurrency"]),
    "too many at a time": ({"max_concurrency": 501}, ["/max_concurrency"]),
    "too many a minute": ({"rate_per_minute": 100_001}, ["/rate_per_minute"]),
    "a bad filter": ({"filter": {"data.a~/b[gt]": True}}, ["/filter/data.a~0~1b[gt]"]),
    "a filter that is no object": ({"filter": "data.a=1"}, ["/filter"]),
    "an empty filter": ({"filter": {}}, ["/filter"]),
    "a header that is no text": ({"headers": {"X-A": 1}}, ["/headers/X-A/value"]),
    "too many headers": ({"headers": {f"X-{number}": "a" for number in range(MOST_HEADERS + 1)}}, ["/headers"]),
    "an auth of no kind": ({"auth": {"type": "digest"}}, ["/auth/type"]),
    "a bearer without a token": ({"auth": {"type": "bearer"}}, ["/auth/token"]),
    "a token with a space": ({"auth": {"type": "bearer", "token": "a b"}}, ["/auth/token"]),
    "a bearer with a password": ({"auth": {"type": "bearer", "token": "a", "password": "b"}}, ["/auth/password"]),
    "a basic without anything": ({"auth": {"type": "basic"}}, ["/auth/username", "/auth/password"]),
    "a colon": ({"auth": {"type": "basic", "username": "a:b", "password": "c"}}, ["/auth/username"]),
    "a line break": ({"auth": {"type": "basic", "username": "a", "password": "c\r\nX: y"}}, ["/auth/password"]),
    "an auth with more": ({"auth": {"type": "bearer", "token": "a", "realm": "b"}}, ["/auth/realm"]),
}


@pytest.mark.parametrize("name", BAD_TERMS)
def test_it_refuses_a_term_that_breaks_a_rule(cast: Cast, database: Database, name: str) -> None:
    fields, pointers = BAD_TERMS[name]
    hook = make_webhook(database)
    assert change(cast, hook.id, **fields).refused(422, "invalid").fields == pointers
    assert stored(database, hook.id)["version"] == 1


BAD_HEADERS = (
    "Host", "HOST", "Content-Type", "content-length", "Content-Encoding", "Transfer-Encoding", "Connection", "TE",
    "Trailer", "Upgrade", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "User-Agent", "webhook-id",
    "Webhook-Signature", "webhook-timestamp", "Accept-Encoding", "Expect", "Authorization", "X A", "X:A", "", "é",
    "X\r\nY", "(x)", "x" * 101,
)  # fmt: skip


@pytest.mark.parametrize("name", BAD_HEADERS, ids=ascii)
def test_it_refuses_a_header_that_is_not_its_own(cast: Cast, database: Database, name: str) -> None:
    answer = change(cast, make_webhook(database).id, headers={name: SECRETS[0]}).refused(422, "invalid")
    assert answer.fields == [f"/headers/{name[:100]}"]
    assert SECRETS[0] not in answer.response.text
    assert SECRETS[0] not in audit_rows(database)


@pytest.mark.parametrize("value", ["", " a", "a ", "a\r\nX-B: c", "a\tb\n", "é", "x" * 2001], ids=ascii)
def test_it_refuses_a_value_that_no_header_has(cast: Cast, database: Database, value: str) -> None:
    answer = change(cast, make_webhook(database).id, headers={"X-A": value}).refused(422, "invalid")
    assert answer.fields == ["/headers/X-A"]


def test_it_refuses_a_header_twice(cast: Cast, database: Database) -> None:
    answer = change(cast, make_webhook(database).id, headers={"X-A": "1", "x-a": "2"}).refused(422, "invalid")
    assert answer.fields == ["/headers/x-a"]


def test_another_signature_makes_another_kind_of_key(cast: Cast, database: Database) -> None:
    hook = make_webhook(database)
    asymmetric = change(cast, hook.id, signature="v1a")
    assert asymmetric.data["secret"] is None
    (key,) = asymmetric.data["public_keys"]
    assert key["key"].startswith("whpk_")
    assert key["expires_at"] is None
    with database.reading() as session:
        private, old = signing_secrets(session, KEYRING, [hook.id], NOON)[hook.id]
    assert (private.startswith("whsk_"), old) == (True, hook.secret)
    back = change(cast, hook.id, signature="v1")
    assert back.data["secret"].startswith("whsec_")
    assert back.data["public_keys"][0]["expires_at"] == "2026-03-02T12:00:00.000Z"
    assert private not in audit_rows(database)
    assert back.data["secret"] not in audit_rows(database)


def test_deleting_takes_everything_of_it_along(cast: Cast, database: Database) -> None:
    other = make_webhook(database)
    hook = make_webhook(
        database, project_ids=[cast.project["id"]], filter={"data.object": "character"}, headers={"X-A": "b"}
    )
    make_event(database, "asset.approved", cast.project["id"])
    answer = cast.admin.call("DELETE", f"/webhooks/{hook.id}")
    assert answer.audit["changes"]["id"] == hook.id
    assert answer.audit["changes"]["url"] == {"from": answer.data["url"], "to": None}
    assert (answer.status, answer.data["id"]) == (200, hook.id)
    cast.admin.get(f"/webhooks/{hook.id}").refused(404, "not-found")
    cast.admin.call("DELETE", f"/webhooks/{hook.id}").refused(404, "not-found")
    with database.reading() as session:
        for table in (webhook_filters, webhook_projects):
            assert session.execute(select(func.count()).select_from(table)).scalar_one() == 0
        for table in (webhook_secrets, webhook_deliveries):
            assert session.execute(select(table.c.webhook_id)).scalars().all() == [other.id]


def test_it_refuses_everybody_but_an_admin_for_everything(cast: Cast, database: Database) -> None:
    hook = make_webhook(database)
    for caller in (cast.creator, cast.reviewer, cast.viewer, cast.stranger):
        caller.call("PATCH", f"/webhooks/{hook.id}", json={"description": "x"}).refused(403, "forbidden")
        caller.call("DELETE", f"/webhooks/{hook.id}").refused(403, "forbidden")
