"""What a hostile caller tries beside the tables: each of these went wrong once, or is where it might."""

from __future__ import annotations

from typing import Any

import pytest

from domain.db import Database
from tests.api.client import document_of
from tests.api.conftest import Cast
from tests.factories import make_character


def results(cast: Cast, *operations: dict[str, Any]) -> list[dict[str, Any]]:
    answer = cast.creator.post("/batch", {"atomic": False, "operations": list(operations)})
    assert answer.status == 200, answer.document
    found: list[dict[str, Any]] = answer.data
    return found


@pytest.mark.parametrize("tag", ["*\r\nX-Injected: 1", "*\n", "\0", "\x7f"])
def test_a_batch_takes_no_line_break_for_a_tag(cast: Cast, database: Database, tag: str) -> None:
    path = f"/characters/{make_character(database, cast.project)['id']}"
    operation = {"method": "PATCH", "path": path, "body": {}, "if_match": tag}
    response = cast.creator.send("POST", "/batch", json={"operations": [operation]})
    assert response.status_code == (400 if tag == "\0" else 422)


@pytest.mark.parametrize("path", ["characters", "//characters", "/characters/", "/characters//", "/./characters"])
def test_a_batch_has_one_path_for_each_operation(cast: Cast, path: str) -> None:
    body = {"name": "Mara", "project_id": cast.project["id"]}
    (result,) = results(cast, {"method": "POST", "path": path, "body": body})
    assert (result["status"], cast.creator.get("/characters").data) == (404, [])


def test_a_reference_leads_to_nothing_foreign(cast: Cast, database: Database) -> None:
    """A name may be anything: what it is put in for is still one part of the path, loaded as the caller sees it."""
    foreign = make_character(database, cast.foreign_project)
    named = {"name": foreign["id"], "description": f"../projects/{cast.foreign_project['id']}"}
    made = {"method": "POST", "path": "/characters", "ref": "a", "body": {**named, "project_id": cast.project["id"]}}
    tries = [{"method": "PATCH", "path": f"/characters/$a.{field}", "body": {"name": "x"}} for field in named]
    answers = results(cast, made, *tries)
    assert [answer["status"] for answer in answers] == [201, 404, 404]


def test_the_tag_of_another_object_matches_nothing(cast: Cast, database: Database) -> None:
    other = make_character(database, cast.project)
    path, body = "/characters/by-external/shotgrid/77", {"name": "Mara", "project_id": cast.project["id"]}
    made = cast.creator.call("PUT", path, json=body)
    own, foreign = made.headers["ETag"], f'"{other["id"]}-1"'
    for tag, status in ((foreign, 412), (f"{foreign}, W/{own}", 412), (f"{foreign}, {own}", 200)):
        changed = cast.creator.call("PUT", path, json={"description": tag}, headers={"If-Match": tag})
        assert changed.status == status, tag


def test_nothing_has_a_nul_in_its_name(cast: Cast) -> None:
    for path in ("/characters/by-external/shotgrid/a%00", "/characters/by-external/%00/1", "/projects/%00"):
        cast.creator.get(path).refused(404, "not-found")
    body = {"name": "Mara", "project_id": cast.project["id"]}
    cast.creator.call("PUT", "/characters/by-external/shotgrid/%00", json=body).refused(404, "not-found")


def test_a_foreign_object_is_told_from_a_missing_one_by_nothing(cast: Cast, database: Database) -> None:
    """Status, headers and, but for the id that was asked for, every word."""
    foreign = make_character(database, cast.foreign_project)["id"]
    missing = foreign[:-1] + ("0" if foreign[-1] != "0" else "1")
    for method, tail in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/approvals"), ("GET", "/metadata")):
        told = []
        for entity_id in (foreign, missing):
            headers = {"X-Request-Id": "same", "If-Match": '"x"', "Idempotency-Key": f"{method} {tail}"}
            response = cast.creator.send(method, f"/characters/{entity_id}{tail}", headers=headers)
            document = {**document_of(response), "instance": ""}
            told.append((response.status_code, str(document).replace(entity_id, "")))
        assert told[0] == told[1]
        assert told[0][0] == 404
