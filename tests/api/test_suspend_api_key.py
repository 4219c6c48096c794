"""POST /api-keys/{id}/suspend and /resume."""

from __future__ import annotations

from flask import Flask

from domain.clock import rfc3339
from domain.db import Database
from tests.api.client import Client
from tests.api.conftest import Cast, MakeApp
from tests.factories import change_key, make_key
from tests.support.clock import NOON


def test_it_works_at_the_next_call_in_every_process(
    cast: Cast, app: Flask, make_app: MakeApp, database: Database
) -> None:
    key = make_key(database)
    doors = [Client(one, key) for one in (app, make_app())]
    path = f"/api-keys/{key.id}"
    for door in doors:
        assert door.get("/me").status == 200
    data = cast.admin.post(f"{path}/suspend", {"reason": "Who is this?"}).data
    assert (data["status"], data["suspended_at"], data["suspended_reason"]) == (
        "suspended", rfc3339(NOON), "Who is this?",
    )  # fmt: skip
    for door in doors:
        door.get("/me").refused(401, "key-suspended")
    data = cast.admin.post(f"{path}/resume").data
    assert (data["status"], data["version"]) == ("active", 3)
    assert (data["suspended_at"], data["suspended_reason"]) == (None, None)
    for door in doors:
        assert door.get("/me").status == 200


def test_it_refuses_what_its_state_does_not_allow(cast: Cast, database: Database) -> None:
    key = make_key(database)
    path = f"/api-keys/{key.id}"
    assert cast.admin.post(f"{path}/resume").refused(409, "conflict").document["allowed"] == ["suspend", "revoke"]
    assert cast.admin.post(f"{path}/suspend", {}).data["suspended_reason"] is None
    assert cast.admin.post(f"{path}/suspend", {}).refused(409, "conflict").document["allowed"] == ["resume", "revoke"]
    change_key(database, key.id, revoked_at=NOON)
    for action in ("suspend", "resume"):
        assert cast.admin.post(f"{path}/{action}", {}).refused(409, "conflict").document["allowed"] == []


def test_it_refuses_a_long_reason(cast: Cast, database: Database) -> None:
    for action in ("suspend", "revoke"):
        for reason in ("x" * 501, None, 7):
            path = f"/api-keys/{make_key(database).id}/{action}"
            assert cast.admin.post(path, {"reason": reason}).refused(422, "invalid").fields == ["/reason"]
