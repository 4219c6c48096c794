"""SQL statements of a warm call, its audit row included: as few for fifty rows as for one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from domain.db import Database
from domain.entities import Kind
from domain.studio import KINDS
from tests.api.client import Client
from tests.api.conftest import Cast
from tests.factories import (
    LEASE,
    make_asset,
    make_character,
    make_job,
    make_key,
    make_project,
    make_scene,
    make_segment,
    make_webhook,
)
from tests.support.queries import recorded


def statements(client: Client, database: Database, method: str, path: str, **options: object) -> list[str]:
    """Those of the second call; the first is forgotten, and so is what it noted on the key."""
    client.send("GET", "/me")
    with recorded(database) as seen:
        response = client.send(method, path, **options)
    assert response.status_code < 300, response.text
    return seen


def test_it_works(cast: Cast, database: Database) -> None:
    """GET of one: the row, and the audit's."""
    seen = statements(cast.admin, database, "GET", f"/projects/{cast.project['id']}")
    assert [statement.split()[0] for statement in seen] == ["SELECT", "INSERT"]


def test_a_key_of_projects_costs_no_more(cast: Cast, database: Database) -> None:
    assert len(statements(cast.creator, database, "GET", f"/projects/{cast.project['id']}")) == 2


def test_me_costs_its_audit_row_alone(cast: Cast, database: Database) -> None:
    assert len(statements(cast.admin, database, "GET", "/me")) == 1


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.object)
def test_a_list_costs_the_same_for_one_row_and_for_fifty(cast: Cast, database: Database, kind: Kind) -> None:
    make: Callable[[], object] = (
        (lambda: make_project(database)) if kind.object == "project" else (lambda: make_asset(database, kind, project))
    )
    project = cast.project
    make()
    one = statements(cast.admin, database, "GET", f"/{kind.plural}")
    for _ in range(49):
        make()
    fifty = statements(cast.admin, database, "GET", f"/{kind.plural}")
    assert len(one) == len(fifty) == 2


def test_a_list_of_webhooks_costs_the_same_for_one_and_for_twenty(cast: Cast, database: Database) -> None:
    make_webhook(database, project_ids=[cast.project["id"]])
    one = statements(cast.admin, database, "GET", "/webhooks")
    for _ in range(19):
        make_webhook(database, project_ids=[cast.project["id"]])
    # The page, its projects, its public keys, the audit.
    assert len(one) == len(statements(cast.admin, database, "GET", "/webhooks")) == 4


def test_the_audit_costs_the_same_for_one_row_and_for_twenty(cast: Cast, database: Database) -> None:
    one = statements(cast.admin, database, "GET", "/audit")
    for _ in range(20):
        cast.admin.send("GET", "/me")
    assert len(one) == len(statements(cast.admin, database, "GET", "/audit")) == 2


@pytest.mark.parametrize(("headers", "most"), [({}, 6), ({"Idempotency-Key": "one"}, 9)])
def test_a_decision_costs_no_more_however_many_listen(
    cast: Cast, database: Database, headers: dict[str, str], most: int
) -> None:
    for _ in range(10):
        make_webhook(database)
    path = f"/characters/{make_character(database, cast.project)['id']}/approvals"
    seen = statements(cast.reviewer, database, "POST", path, json={"decision": "approved"}, headers=headers)
    assert len(seen) <= most, seen


def test_a_refused_key_costs_its_lookup_and_its_audit_row(app: Flask, database: Database) -> None:
    with recorded(database) as seen:
        assert Client(app).send("GET", "/projects").status_code == 401
    assert len(seen) == 1
    with recorded(database) as seen:
        assert Client(app, make_key(database, "viewer")).send("GET", "/audit").status_code == 403


@pytest.mark.parametrize(("headers", "most"), [({}, 6), ({"Idempotency-Key": "one"}, 8)])
def test_a_change_costs_no_more_however_many_listen(
    cast: Cast, database: Database, headers: dict[str, str], most: int
) -> None:
    for _ in range(10):
        make_webhook(database)
    path = f"/characters/{make_character(database, cast.project)['id']}"
    seen = statements(cast.creator, database, "PATCH", path, json={"name": "New"}, headers=headers)
    assert len(seen) <= most, seen


def test_what_a_worker_does_costs_a_few_statements(cast: Cast, database: Database) -> None:
    """However many jobs wait, and however many listen: what is to be done, its event, its deliveries, the audit."""
    for _ in range(10):
        make_webhook(database)
    segment = make_segment(database, make_scene(database, cast.project))
    for _ in range(20):
        make_job(database, segment)
    body = {"kind": "generate", "target": {"object": "segment", "id": segment["id"]}}
    assert len(statements(cast.creator, database, "POST", "/jobs", json=body)) <= 6
    asked = {"worker": "farm-1", "kinds": ["generate"]}
    assert len(statements(cast.creator, database, "POST", "/jobs/claim", json=asked)) <= 5
    job = make_job(database, segment, status="running")
    for verb, most in (("heartbeat", 3), ("complete", 7)):  # one looks for files, which would make a take
        path = f"/jobs/{job['id']}/{verb}"
        assert len(statements(cast.creator, database, "POST", path, json={"lease_token": LEASE})) <= most
