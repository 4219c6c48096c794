"""GET /audit: who did what. What every call leaves in it is checked by the client after every call."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from domain.api_keys.models import api_key_secrets
from domain.audit.masking import LARGEST, MASK, mask_also
from domain.audit.models import api_audit_log
from domain.db import Database
from tests.api.client import Client, check_headers, document_of
from tests.api.conftest import Cast, MakeApp
from tests.factories import make_character, make_key
from tests.support.clock import StoppedClock
from tests.support.queries import without


def test_it_works(cast: Cast) -> None:
    seen = cast.viewer.get(f"/projects/{cast.project['id']}", fields="id")
    answer = cast.admin.get("/audit")
    assert answer.status == 200
    assert answer.document["page"] == {"next": None, "limit": 50}
    (entry,) = answer.data
    assert cast.viewer.key is not None
    assert {name: entry[name] for name in ("bytes_out", "duration_ms", "rate_limit")} == {
        "bytes_out": len(seen.response.data),
        "duration_ms": seen.audit["duration_ms"],
        "rate_limit": "read 99999/100000",
    }
    assert entry | {"bytes_out": 0, "duration_ms": 0, "rate_limit": ""} == {
        "id": seen.audit["id"],
        "object": "audit_entry",
        "at": "2026-03-01T12:00:00.000Z",
        "source": "api",
        "key_id": cast.viewer.key.id,
        "secret_id": cast.viewer.key.token.split("_")[1],
        "user_id": None,
        "action": None,
        "method": "GET",
        "route": "/api/v1/projects/{id}",
        "path": f"/api/v1/projects/{cast.project['id']}",
        "params": {"query": {"fields": "id"}},
        "changes": None,
        "status_code": 200,
        "problem": None,
        "request_id": seen.headers["X-Request-Id"],
        "idempotency": None,
        "rate_limit": "",
        "ip": "192.0.2.10",
        "user_agent": seen.response.request.environ["HTTP_USER_AGENT"],
        "bytes_in": 0,
        "bytes_out": 0,
        "duration_ms": 0,
    }


def test_it_filters(cast: Cast, clock: StoppedClock) -> None:
    first = cast.viewer.get("/projects")
    clock.advance(minutes=10)
    second = cast.creator.get("/characters/nonsense")
    clock.advance(minutes=10)
    third = cast.nobody.get("/projects")
    clock.advance(minutes=10)
    everything = [third, second, first]
    wanted: dict[str, list[Any]] = {
        f"key_id={first.audit['key_id']}": [first],
        "key_id[isnull]=true": [third],
        "route=/api/v1/projects": [third, first],
        "route[in]=/api/v1/projects,/api/v1/characters/{id}": everything,
        "status_code=404": [second],
        "status_code[gte]=400": [third, second],
        "status_code[in]=200,401": [third, first],
        "at[gte]=2026-03-01T12:10:00Z&at[lt]=2026-03-01T12:20:00Z": [second],
        "at[gt]=2026-03-01T13:05:00%2B01:00": [third, second],
        "method=GET&source=api&path[contains]=characters": [second],
        "problem=key-missing": [third],
        f"request_id={second.headers['X-Request-Id']}": [second],
        "ip=192.0.2.10&sort=at": [first, second, third],
    }
    for query, answers in wanted.items():
        found = cast.admin.call("GET", f"/audit?{query}&path[ne]=/api/v1/audit").ids
        assert found == [answer.audit["id"] for answer in answers], query


def test_its_pages_hold_every_call_once_while_calls_go_on(cast: Cast) -> None:
    made = [cast.viewer.get("/projects").audit["id"] for _ in range(5)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while cursor.get("cursor", "") is not None:
        page = cast.admin.get("/audit", limit=2, **cursor)
        seen += page.ids
        cursor = {"cursor": page.document["page"]["next"]}
    assert seen == made[::-1]


SECRETS: dict[str, Any] = {
    "password": "hunter2hunter2",
    "client_secret": "hunter2hunter2",
    "nested": {"list": [{"Authorization": "hunter2hunter2"}]},
    "token": {"value": "hunter2hunter2"},
    "apiKey": "hunter2hunter2",
    "api-key": "hunter2hunter2",
    "text": "my key is csk_AAAAAAAAAAAA_BBBBBBBBBBBBBBBBBBBBBBBBBBhunter2hunter2_CCCCCC, keep it",
    "without check": "csk_AAAAAAAAAAAA_BBBBBBBBBBBBBBBBBBBBBBBBBBhunter2hunter2",
    "webhook": "whsec_hunter2hunter2/+==",
    "csk_AAAAAAAAAAAA_hunter2hunter2_CCCCCC": 1,
}


@pytest.mark.parametrize("name", SECRETS)
def test_it_never_holds_a_secret(cast: Cast, name: str) -> None:
    entry = cast.admin.post("/webhooks", {name: SECRETS[name]}).audit
    assert "hunter2" not in repr(dict(entry))
    assert MASK in repr(entry["params"])


def test_it_masks_secrets_in_addresses_and_headers(cast: Cast) -> None:
    token = "csk_AAAAAAAAAAAA_BBBBBBBBBBBBBBBBBBBBBBBBBBBBhunter2_CCCCCC"
    named = {"X-Request-Id": token, "User-Agent": f"curl {token}"}
    answer = cast.viewer.call("GET", f"/characters/{token}?api_key={token}&name={token}", headers=named)
    assert "hunter2" not in repr(dict(answer.audit))


def test_it_masks_the_fields_that_the_installation_names(
    make_app: MakeApp, cast: Cast, database: Database, request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(lambda: mask_also([]))
    client = Client(make_app(audit_mask_fields="fee,home-address"), make_key(database))
    asset = make_character(database, cast.project)
    path = f"/characters/{asset['id']}/metadata"
    one = client.call("PUT", f"{path}/fee", json={"value": 5000})
    several = client.call("PATCH", path, json={"fee": 5000, "home_address": "x", "note": "kept"})
    asked = client.call("GET", "/characters?name=5000&description[contains]=fee&external_ids.fee=5000")
    known = client.call("GET", "/characters/by-external/fee/5000")
    assert known.audit["path"] == f"/api/v1/characters/by-external/fee/{MASK}"
    assert client.call("GET", "/characters/by-external/fee/1/%2500").status == 404
    assert (one.status, one.audit["params"]) == (200, {"body": MASK})
    assert several.audit["params"] == {"body": {"fee": MASK, "home_address": MASK, "note": "kept"}}
    assert asked.audit["params"]["query"] == {"name": "5000", "description[contains]": "fee", "external_ids.fee": MASK}


def test_of_headers_only_the_user_agent_is_kept(cast: Cast) -> None:
    sent = {"X-Studio-Note": "hunter2", "Cookie": "a=hunter2", "Referer": "https://hunter2.example"}
    assert "hunter2" not in repr(dict(cast.viewer.call("GET", "/projects", headers=sent).audit))


def test_it_keeps_both_values_of_a_parameter_given_twice(cast: Cast) -> None:
    entry = cast.viewer.call("GET", "/characters?name=Mara&name=Ivo").audit
    assert entry["params"] == {"query": {"name": ["Mara", "Ivo"]}}


def test_it_keeps_the_head_and_a_hash_of_what_is_long(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project)
    entry = cast.reviewer.post(f"/characters/{asset['id']}/approvals", {"note": "x" * 9000}).audit
    params = entry["params"]
    assert params.keys() == {"truncated", "bytes", "sha256", "head"}
    assert len(params["head"]) == LARGEST


def test_it_says_of_a_body_that_cannot_be_read_how_long_it_was(cast: Cast) -> None:
    assert cast.admin.post("/webhooks", b"\xff{").audit["params"] == {"body": {"unreadable_bytes": 2}}


def test_every_refusal_is_in_it(cast: Cast, database: Database) -> None:
    """401, 403, 404, 405, 400, 409, 413, 414, 415, 422, 429: the client finds the row of each."""
    draft = make_character(database, cast.project, status="draft")
    path = f"/characters/{draft['id']}/approvals"
    poor = Client(cast.admin.app, make_key(database, read_per_minute=1))
    poor.get("/projects")
    refusals = [
        cast.nobody.get("/projects"),
        cast.viewer.get("/audit"),
        cast.viewer.get("/nonsense"),
        cast.viewer.get(""),
        cast.viewer.call("DELETE", "/projects"),
        cast.viewer.get("/projects", limit=0),
        cast.reviewer.post(path, {"decision": "approved"}),
        cast.reviewer.post(path, b" " * 1_100_000),
        cast.viewer.get("/projects", name="x" * 20_000),
        cast.reviewer.post(path, b"x", content_type="text/plain"),
        cast.reviewer.post(path, {}),
        poor.get("/projects"),
    ]
    statuses = [answer.status for answer in refusals]
    assert statuses == [401, 403, 404, 404, 405, 400, 409, 413, 414, 415, 422, 429]
    logged = cast.admin.get("/audit", **{"status_code[gte]": 400, "sort": "id"}).data
    assert [entry["problem"] for entry in logged] == [answer.problem for answer in refusals]


def test_a_call_whose_row_cannot_be_written_is_refused(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project)
    callers = (cast.viewer, cast.reviewer)
    for caller in callers:
        caller.get("/me")
    with without(database, api_audit_log):
        read = cast.viewer.send("GET", "/projects")
        write = cast.reviewer.send("POST", f"/characters/{asset['id']}/approvals", json={"decision": "approved"})
        refusal = cast.nobody.send("GET", "/projects")
    for response in (read, write, refusal):
        assert (response.status_code, document_of(response)["type"]) == (503, "/problems/audit-unavailable")
        assert response.headers["Retry-After"] == "1"
        assert response.headers["X-RateLimit-Limit"]
    assert cast.viewer.get(f"/characters/{asset['id']}").data["status"] == "in_review"


def test_who_cannot_be_known_is_told_of_a_bucket_all_the_same(app: Flask, database: Database) -> None:
    """A key that was never read, and cannot be."""
    unknown = Client(app, make_key(database))
    with without(database, api_key_secrets):
        response = unknown.send("GET", "/projects")
    assert response.status_code in (500, 503)
    check_headers(response)
    assert response.headers["RateLimit-Policy"].startswith('"address"')
    assert response.headers["X-RateLimit-Remaining"] == response.headers["X-RateLimit-Limit"]  # nothing was taken


def test_it_refuses_everybody_but_an_admin_for_everything(cast: Cast) -> None:
    for caller in (cast.creator, cast.reviewer, cast.viewer):
        caller.get("/audit").refused(403, "forbidden")


@pytest.mark.parametrize("query", ["user_agent=x", "params=x", "sort=route", "at=now", "status_code=teapot"])
def test_it_refuses_a_bad_parameter(cast: Cast, query: str) -> None:
    cast.admin.call("GET", f"/audit?{query}").refused(400, "bad-query")
