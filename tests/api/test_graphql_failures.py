"""A failure of ours within a GraphQL call: nothing of the call is stored, and nothing of the failure is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select, text

from domain.db import Database
from domain.scenes.models import scenes
from tests.api.conftest import Cast


@pytest.fixture
def broken(database: Database) -> Iterator[None]:
    """A database in which no approval can be read."""
    rename = "ALTER TABLE {} RENAME TO {}"
    with database.transaction() as session:
        session.execute(text(rename.format("approvals", "approvals_away")))
    yield
    with database.transaction() as session:
        session.execute(text(rename.format("approvals_away", "approvals")))


@pytest.mark.usefixtures("broken")
def test_it_works(cast: Cast, database: Database) -> None:
    query = """mutation ($project: String!) {
      createScene(input: {name: "One", project_id: $project}) { id approvals { nodes { id } } }
      second: createScene(input: {name: "Two", project_id: $project}) { id }
    }"""
    body = {"query": query, "variables": {"project": cast.project["id"]}}
    answer = cast.creator.post("/graphql", body, headers={"Idempotency-Key": "one"})
    assert answer.status in (500, 503)
    assert answer.problem in ("internal-error", "busy")
    assert "approvals" not in answer.response.text
    with database.reading() as session:
        assert session.execute(select(func.count()).select_from(scenes)).scalar_one() == 0
    again = cast.creator.post("/graphql", {**body, "query": query.replace(" approvals { nodes { id } }", "")},
                              headers={"Idempotency-Key": "one"})  # fmt: skip
    assert again.status == 200


@pytest.mark.usefixtures("broken")
def test_a_query_fails_as_a_whole(cast: Cast) -> None:
    answer = cast.viewer.post("/graphql", {"query": "{ me { id } approvals { nodes { id } } }"})
    assert answer.status in (500, 503)
    assert "approvals" not in answer.response.text
