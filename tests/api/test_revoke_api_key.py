"""POST /api-keys/{id}/revoke and DELETE /api-keys/{id}, which does the same."""

from __future__ import annotations

import pytest
from flask import Flask

from domain.clock import rfc3339
from domain.db import Database
from tests.api.client import Client
from tests.api.conftest import Cast, MakeApp
from tests.factories import make_key
from tests.support.clock import NOON


@pytest.mark.parametrize("way", ["POST", "DELETE"])
def test_it_works_at_the_next_call_in_every_process(
    cast: Cast, app: Flask, make_app: MakeApp, database: Database, way: str
) -> None:
    key = make_key(database)
    doors = [Client(one, key) for one in (app, make_app())]
    for door in doors:
        assert door.get("/me").status == 200
    path = f"/api-keys/{key.id}" + ("/revoke" if way == "POST" else "")
    data = cast.admin.call(way, path).data
    assert (data["status"], data["revoked_at"], data["version"]) == ("revoked", rfc3339(NOON), 2)
    for door in doors:
        door.get("/me").refused(401, "key-revoked")


def test_an_earlier_change_that_is_told_late_opens_nothing(cast: Cast, app: Flask, database: Database) -> None:
    """Two changes at once: the revocation is told and answered before the other, which came first, is told."""
    key = make_key(database)
    path = f"/api-keys/{key.id}"
    cast.admin.call("PATCH", path, json={"description": "Changed."})
    caller = Client(app, key)
    assert caller.get("/me").status == 200
    cast.admin.post(f"{path}/revoke", {})
    cast.admin.services.limiter.publish_epoch(key.id, 2)
    caller.get("/me").refused(401, "key-revoked")


def test_it_keeps_the_reason(cast: Cast, database: Database) -> None:
    path = f"/api-keys/{make_key(database).id}"
    cast.admin.post(f"{path}/revoke", {"reason": "The laptop is gone."})
    assert cast.admin.get(path).data["revoked_reason"] == "The laptop is gone."


def test_again_it_is_refused_or_nothing(cast: Cast, database: Database) -> None:
    """DELETE asks for the key to be gone, and it is."""
    path = f"/api-keys/{make_key(database).id}"
    first = cast.admin.call("DELETE", path).data
    assert cast.admin.call("DELETE", path).data == first
    cast.admin.post(f"{path}/revoke", {}).refused(409, "conflict")


def test_delete_honours_if_match(cast: Cast, database: Database) -> None:
    path = f"/api-keys/{make_key(database).id}"
    cast.admin.call("DELETE", path, headers={"If-Match": '"none-1"'}).refused(412, "precondition-failed")
    known = cast.admin.get(path).headers["ETag"]
    assert cast.admin.call("DELETE", path, headers={"If-Match": known}).data["status"] == "revoked"


def test_a_key_may_end_itself(app: Flask, database: Database) -> None:
    key = make_key(database)
    assert Client(app, key).call("DELETE", f"/api-keys/{key.id}").status == 200
    Client(app, key).get("/me").refused(401, "key-revoked")
