"""`Idempotency-Key`: the same call again gets the same answer, and has its effect once."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from domain.api_keys.models import api_key_secrets
from domain.approvals.models import approvals
from domain.db import Database
from domain.events.models import events
from domain.idempotency.models import idempotency_records
from tests.api.client import Answer, Client
from tests.api.conftest import Cast
from tests.factories import KEYRING, Key, make_character, make_key
from tests.support.threads import at_once

APPROVED = {"decision": "approved"}


def decide(client: Client, asset_id: str, key: str, body: Any = APPROVED, **options: Any) -> Answer:
    return client.post(f"/characters/{asset_id}/approvals", body, headers={"Idempotency-Key": key}, **options)


def counts(database: Database) -> tuple[int, int]:
    """Approvals and idempotency records."""
    with database.reading() as session:
        tables = (approvals, idempotency_records)
        first, second = (session.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)
    return first, second


def test_it_works(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project)
    first = decide(cast.reviewer, asset["id"], "one")
    again = decide(cast.reviewer, asset["id"], "one")
    assert (first.status, again.status) == (201, 201)
    assert again.response.data == first.response.data
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Content-Type"] == "application/json"
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert (first.audit["idempotency"], again.audit["idempotency"]) == ("first", "replayed")
    assert counts(database) == (1, 1)


def test_without_it_the_call_is_made_again(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project)
    path = f"/characters/{asset['id']}/approvals"
    assert cast.reviewer.post(path, APPROVED).audit["idempotency"] is None
    cast.reviewer.post(path, APPROVED).refused(409, "conflict")


def test_it_refuses_another_body(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project)
    decide(cast.reviewer, asset["id"], "one")
    for body in ({"decision": "rejected"}, {**APPROVED, "note": "x"}, b'{"decision":"approved"} '):
        answer = decide(cast.reviewer, asset["id"], "one", body)
        assert (answer.status, answer.problem) == (422, "idempotency-mismatch")


def test_it_refuses_another_query(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project)
    decide(cast.reviewer, asset["id"], "one")
    assert decide(cast.reviewer, asset["id"], "one", query_string="dry_run=true").problem == "idempotency-mismatch"


def test_it_is_scoped_to_the_path_and_the_key(cast: Cast, app: Any, database: Database) -> None:
    one, two = make_character(database, cast.project), make_character(database, cast.project)
    other = Client(app, make_key(database, "reviewer"))
    answers = [
        decide(cast.reviewer, one["id"], "same"),
        decide(cast.reviewer, two["id"], "same"),
        decide(other, one["id"], "same", {"decision": "rejected"}),
    ]
    assert [answer.audit["idempotency"] for answer in answers] == ["first"] * 3
    assert len({answer.data["id"] for answer in answers}) == 3


def test_it_follows_the_key_through_a_rotation(cast: Cast, app: Any, database: Database) -> None:
    key = make_key(database, "reviewer")
    spare = make_key(database, "reviewer")
    with database.transaction() as session:  # the second secret of the same key
        moved = api_key_secrets.update().where(api_key_secrets.c.key_id == spare.id)
        session.execute(moved.values(key_id=key.id, digest=KEYRING.digest(spare.token)))
    asset = make_character(database, cast.project)
    first = decide(Client(app, key), asset["id"], "one")
    again = decide(Client(app, Key(key.id, spare.token)), asset["id"], "one")
    assert again.response.data == first.response.data
    assert again.headers["Idempotency-Replayed"] == "true"


REFUSALS: dict[str, tuple[Any, str, int]] = {
    "malformed": (b"{", "in_review", 400),
    "invalid": ({"decision": "x"}, "in_review", 422),
    "too large": ({"decision": "approved", "note": "x" * 300_000}, "in_review", 413),
    "impossible": (APPROVED, "draft", 409),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_it_keeps_no_refusal(cast: Cast, database: Database, name: str) -> None:
    body, status, code = REFUSALS[name]
    asset = make_character(database, cast.project, status=status)
    assert decide(cast.reviewer, asset["id"], "one", body).status == code
    assert counts(database) == (0, 0)
    open_asset = make_character(database, cast.project)
    assert decide(cast.reviewer, open_asset["id"], "one").status == 201


def test_it_keeps_no_answer_that_was_limited(cast: Cast, app: Any, database: Database) -> None:
    caller = Client(app, make_key(database, "reviewer", write_per_minute=1))
    asset, other = make_character(database, cast.project), make_character(database, cast.project)
    decide(caller, asset["id"], "one")
    decide(caller, other["id"], "two").refused(429, "quota-exceeded")
    assert counts(database) == (1, 1)


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "caf\u00e9"])
def test_it_refuses_a_key_that_is_not_one(cast: Cast, database: Database, key: str) -> None:
    asset = make_character(database, cast.project)
    decide(cast.reviewer, asset["id"], key).refused(400, "bad-request")


def test_it_takes_a_key_of_any_printable_characters(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project)
    assert decide(cast.reviewer, asset["id"], "'; DROP TABLE x; -- \"{}" + "x" * 230).status == 201


def test_it_means_nothing_on_a_read(cast: Cast) -> None:
    for _ in range(2):
        answer = cast.viewer.call("GET", "/projects", headers={"Idempotency-Key": "one"})
        assert "Idempotency-Replayed" not in answer.headers


def test_it_tells_nobody_the_answer_to_another(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project)
    decide(cast.reviewer, asset["id"], "one")
    decide(cast.stranger, asset["id"], "one").refused(404, "not-found")
    decide(cast.creator, asset["id"], "one").refused(403, "forbidden")


def test_twins_have_one_effect_and_one_answer(cast: Cast, database: Database) -> None:
    asset = make_character(database, cast.project)
    cast.reviewer.get("/me")

    def call() -> tuple[int, bytes]:
        response = cast.reviewer.send(
            "POST", f"/characters/{asset['id']}/approvals", json=APPROVED, headers={"Idempotency-Key": "one"}
        )
        return response.status_code, response.data

    answers = at_once(4, call)
    assert len(set(answers)) == 1
    assert answers[0][0] == 201
    assert counts(database) == (1, 1)
    with database.reading() as session:
        assert len(session.execute(select(events.c.id)).all()) == 1
