"""A call with several faults is told the first of: 401, 403 allowlist, 429, 404, 403, 400/422, 409/412."""

from __future__ import annotations

import re
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from api.operation import Operation
from domain.characters.models import characters
from domain.db import Database
from tests.api.client import Answer, Client
from tests.api.places import Places, operations
from tests.factories import change_key, make_key, make_project
from tests.support.clock import NOON

NAMED = re.compile(r"<(?:\w+:)?(\w+)>")
STALE = {"If-Match": '"none-1"'}


@dataclass(frozen=True)
class Faulty:
    """A write, its bodies from worst to good, and what the object's state has against the last of them.

    Attributes:
        role: one that may not do it.
    """

    method: str
    rule: str
    role: str
    invalid: Any
    good: Any
    state: tuple[int, str]
    headers: dict[str, str]


WRITES = {
    "decide": Faulty(
        "POST", "/characters/<id>/approvals", "creator", {"decision": "perhaps"}, {"decision": "approved"},
        (409, "conflict"), {},
    ),
    "update": Faulty(
        "PATCH", "/characters/<id>", "reviewer", {"name": ""}, {"name": "Mara"}, (412, "precondition-failed"), STALE
    ),
    "update metadata": Faulty(
        "PATCH", "/characters/<id>/metadata", "reviewer", {"": 1}, {"a": 1}, (412, "precondition-failed"), STALE
    ),
    "submit": Faulty(
        "PATCH", "/characters/<id>", "viewer", {"status": 1}, {"status": "in_review"}, (409, "conflict"), {}
    ),
    "change a job": Faulty(
        "PATCH", "/jobs/<id:id>", "reviewer", {"priority": 101}, {"priority": 1}, (412, "precondition-failed"), STALE
    ),
    "report a job": Faulty(
        "POST", "/jobs/<id>/complete", "reviewer", {"lease_token": "x", "result": 1}, {"lease_token": "x"},
        (409, "conflict"), {},
    ),
    "create in": Faulty(
        "POST", "/projects/<id>/characters", "reviewer", {"name": 1}, {"name": "Mara"}, (409, "conflict"), {}
    ),
}  # fmt: skip


@pytest.fixture(params=WRITES)
def write(request: pytest.FixtureRequest) -> Faulty:
    return WRITES[request.param]


def test_the_first_fault_is_told(app: Flask, database: Database, write: Faulty) -> None:
    """One fault after another is mended; each time the next one is told."""
    project, foreign = make_project(database, status="archived"), make_project(database)
    own, hidden = Places(database, project), Places(database, foreign)
    places = {"own": own.path(write.rule), "hidden": hidden.path(write.rule)}
    with database.transaction() as session:
        session.execute(update(characters).values(status="approved"))

    def key(role: str, **fields: Any) -> Client:
        return Client(app, make_key(database, role, "project", [project["id"]], **fields))

    def call(caller: Client, path: str, body: Any) -> Answer:
        raw = {"data": body} if isinstance(body, bytes) else {"json": body}
        headers = {"Content-Type": "application/json", **write.headers}
        return caller.call(write.method, path, headers=headers, **raw)

    elsewhere = {"allowed_cidrs": ["203.0.113.0/24"]}
    revoked = key(write.role, write_per_minute=1, **elsewhere)
    assert revoked.key is not None
    change_key(database, revoked.key.id, revoked_at=NOON)
    call(revoked, places["hidden"], b"{").refused(401, "key-revoked")
    call(key(write.role, write_per_minute=1, **elsewhere), places["hidden"], b"{").refused(403, "address-not-allowed")
    limited = key(write.role, write_per_minute=1)
    call(limited, places["hidden"], b"{").refused(404, "not-found")
    call(limited, places["hidden"], b"{").refused(429, "quota-exceeded")
    call(key(write.role), places["hidden"], b"{").refused(404, "not-found")
    call(key(write.role), places["own"], b"{").refused(403, "forbidden")
    admin = key("admin")
    call(admin, places["own"], b"{").refused(400, "malformed-json")
    call(admin, places["own"], write.invalid).refused(422, "invalid")
    call(admin, places["own"], write.good).refused(*write.state)


OF_ONE = [
    one
    for one in operations()
    if one.body is not None and re.search(r"<\w*id>", one.rule) and "by-external" not in one.rule
]


@pytest.mark.parametrize("operation", OF_ONE, ids=attrgetter("id"))
def test_what_is_not_there_is_told_before_what_is_wrong_with_the_body(
    app: Flask, database: Database, operation: Operation
) -> None:
    last = [name for name in NAMED.findall(operation.rule) if name.endswith("id")][-1]
    project_id = make_project(database)["id"]
    path = NAMED.sub(lambda found: "none" if found[1] == last else project_id, operation.rule)
    answer = Client(app, make_key(database, "admin", "full")).call(
        operation.method, path, data=b"{", headers={"Content-Type": "application/json"}
    )
    answer.refused(404, "not-found")
