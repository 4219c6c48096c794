"""POST /leaked-keys: whoever holds a key's text may end it, and learns nothing by trying."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from domain.api_keys.tokens import make_token
from domain.audit.models import api_audit_log
from domain.db import Database, Row
from tests.api.client import Answer, Client, check_headers, check_problem, document_of
from tests.api.conftest import Cast, MakeApp
from tests.api.test_authentication import forged_with, mistyped
from tests.factories import Key, change_key, make_key
from tests.support.clock import NOON

PATH = "/leaked-keys"


def report(client: Client, text: Any) -> TestResponse:
    response = client.send("POST", PATH, json={"key": text})
    check_headers(response)
    return response


def audited(database: Database) -> Row:
    with database.reading() as session:
        chosen = select(api_audit_log).where(api_audit_log.c.path.endswith(PATH))
        return session.execute(chosen.order_by(api_audit_log.c.id.desc())).mappings().first() or {}


def test_it_works_at_the_next_call_in_every_process(
    cast: Cast, app: Flask, make_app: MakeApp, database: Database
) -> None:
    key, doors = make_key(database), (app, make_app())
    for door in doors:
        assert Client(door, key).get("/me").status == 200
    response = report(cast.nobody, key.token)
    assert response.status_code == 202
    assert document_of(response) == {"data": {"object": "leak_report", "status": "accepted"}}
    for door in doors:
        Client(door, key).get("/me").refused(401, "key-revoked")
    data = cast.admin.get(f"/api-keys/{key.id}").data
    assert (data["status"], data["revoked_reason"][:23]) == ("revoked", "It was reported as leak")


def test_it_is_audited_and_its_text_kept_nowhere(cast: Cast, database: Database) -> None:
    key = make_key(database)
    report(cast.nobody, key.token)
    row = audited(database)
    assert (row["key_id"], row["secret_id"], row["status_code"]) == (key.id, key.token.split("_")[1], 202)
    assert (row["route"], row["ip"]) == ("/api/v1/leaked-keys", "192.0.2.10")
    assert key.token.split("_")[2] not in repr(dict(row))
    assert row["changes"] == {"id": key.id, "ended": "key"}
    report(cast.nobody, key.token)
    assert audited(database)["changes"] == {"id": key.id, "ended": "nothing"}


def test_it_tells_nothing_of_what_there_is(cast: Cast, database: Database) -> None:
    key, revoked = make_key(database), make_key(database)
    change_key(database, revoked.id, revoked_at=NOON)
    forged = forged_with(key.token.split("_")[1], "A" * 32)
    answers = [report(cast.nobody, text) for text in (make_token()[1], forged, revoked.token, revoked.token, key.token)]
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
    assert len({frozenset(answer.headers.keys()) for answer in answers}) == 1


def test_a_known_id_with_another_secret_ends_nothing(cast: Cast, app: Flask, database: Database) -> None:
    key = make_key(database)
    report(cast.nobody, forged_with(key.token.split("_")[1], "A" * 32))
    assert audited(database)["key_id"] is None
    assert Client(app, key).get("/me").status == 200


@pytest.mark.parametrize("state", ["suspended_at", "expires_at"])
def test_it_ends_a_key_whatever_its_state_and_wherever_it_is_reported_from(
    cast: Cast, database: Database, state: str
) -> None:
    key = make_key(database, allowed_cidrs=["203.0.113.0/24"])
    change_key(database, key.id, **{state: NOON})
    assert report(cast.nobody, key.token).status_code == 202
    assert cast.admin.get(f"/api-keys/{key.id}").data["status"] == "revoked"


def test_of_a_secret_that_was_rotated_out_it_ends_that_alone(cast: Cast, app: Flask, database: Database) -> None:
    old = make_key(database)
    new = Key(old.id, cast.admin.post(f"/api-keys/{old.id}/rotate", {}).data["key"])
    assert Client(app, old).get("/me").status == 200
    for _ in range(2):
        assert report(cast.nobody, old.token).status_code == 202
    Client(app, old).get("/me").refused(401, "key-expired")
    assert Client(app, new).get("/me").status == 200
    report(cast.nobody, new.token)
    Client(app, new).get("/me").refused(401, "key-revoked")


def refused(cast: Cast, status: int, **options: Any) -> Answer:
    answer = cast.nobody.call("POST", PATH, **options)
    check_problem(answer.response)
    assert answer.status == status
    return answer


def test_it_refuses_what_is_no_key(cast: Cast, database: Database) -> None:
    for text in (*mistyped(make_key(database).token)[:-4], None, 7, "", ["x"]):
        assert refused(cast, 422, json={"key": text}).fields == ["/key"]
    assert refused(cast, 422, json={}).fields == ["/key"]
    assert refused(cast, 422, json={"key": make_token()[1], "reason": "x"}).fields == ["/reason"]
    refused(cast, 400, data=b"{", content_type="application/json")
    refused(cast, 413, json={"key": "x" * 2000})
    refused(cast, 415, data=b"key=csk", content_type="text/plain")


def test_it_is_limited_by_address(app: Flask, database: Database) -> None:
    key = make_key(database)
    caller = Client(app, address="198.51.100.7")
    seen = [report(caller, make_token()[1]).status_code for _ in range(200)]
    assert set(seen) == {202, 429}
    assert seen.index(429) >= 120
    assert Client(app, key).get("/me").status == 200
    assert report(Client(app, address="198.51.100.8"), key.token).status_code == 202


def test_other_methods_need_a_key_and_are_not_there(cast: Cast) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"):
        assert cast.nobody.send(method, PATH).status_code == 401
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert cast.admin.call(method, PATH).refused(405, "method-not-allowed").headers["Allow"] == "OPTIONS, POST"
