"""A job that succeeded with files becomes a numbered take of its target, which an approval may name."""

from __future__ import annotations

from typing import Any

import pytest

from domain.db import Database, Row
from tests.api.client import Answer, Client
from tests.api.conftest import Cast
from tests.factories import LEASE, change_job, leased, make_character, make_job, make_scene, make_segment, make_take


@pytest.fixture
def segment(database: Database, cast: Cast) -> Row:
    return make_segment(database, make_scene(database, cast.project), status="in_review")


def put(client: Client, job: Row, name: str, media_type: str = "image/png", size: int = 10) -> Answer:
    headers = {"Lease-Token": LEASE}
    path = f"/jobs/{job['id']}/artifacts/{name}"
    return client.call("PUT", path, data=b"x" * size, content_type=media_type, headers=headers)


def complete(client: Client, job: Row, **given: Any) -> Answer:
    return client.post(f"/jobs/{job['id']}/complete", {"lease_token": LEASE, **given})


def test_it_works(cast: Cast, database: Database, segment: Row) -> None:
    job = make_job(database, segment, status="running", params={"seed": 7})
    picture = put(cast.creator, job, "frame.png", size=900).data
    small = put(cast.creator, job, "thumbnail.webp", "image/webp").data
    film = put(cast.creator, job, "shot.mp4", "video/mp4", 5000).data
    put(cast.creator, job, "notes.txt", "text/plain")
    assert complete(cast.creator, job, cost={"amount": "0.42", "currency": "EUR"}).status == 200
    (take,) = cast.viewer.get(f"/segments/{segment['id']}/takes").data
    expected = {"object": "take", "number": 1, "job_id": job["id"], "kind": "generate", "params": {"seed": 7},
                "thumbnail_id": small["id"], "media_id": film["id"],
                "target": {"object": "segment", "id": segment["id"]}}  # fmt: skip
    assert take.items() >= expected.items()
    assert take["cost"]["amount"] == "0.42"
    assert cast.viewer.get(f"/takes/{take['id']}").data == take
    assert picture["id"] not in (take["thumbnail_id"], take["media_id"])
    cast.stranger.get(f"/takes/{take['id']}").refused(404, "not-found")


def test_they_are_numbered(cast: Cast, database: Database, segment: Row) -> None:
    for _ in range(3):
        job = make_job(database, segment, status="running")
        put(cast.creator, job, "frame.png")
        complete(cast.creator, job)
    listed = cast.viewer.get(f"/segments/{segment['id']}/takes")
    assert [take["number"] for take in listed.data] == [3, 2, 1]
    assert cast.viewer.get(f"/scenes/{segment['scene_id']}/takes").data == []


def test_a_job_without_files_makes_none(cast: Cast, database: Database, segment: Row) -> None:
    complete(cast.creator, make_job(database, segment, status="running"))
    assert cast.viewer.get(f"/segments/{segment['id']}/takes").data == []


def test_files_of_an_attempt_that_failed_are_not_in_it(cast: Cast, database: Database, segment: Row) -> None:
    job = make_job(database, segment, status="running")
    put(cast.creator, job, "half.png")
    change_job(database, job["id"], attempts=2, **leased())
    assert complete(cast.creator, job).status == 200
    assert cast.viewer.get(f"/segments/{segment['id']}/takes").data == []


def test_an_approval_may_name_the_take(cast: Cast, database: Database, segment: Row) -> None:
    take = make_take(database, make_job(database, segment, status="succeeded"))
    path = f"/segments/{segment['id']}/approvals"
    made = cast.reviewer.post(path, {"decision": "approved", "note": "Ship it.", "take_id": take["id"]})
    assert (made.status, made.data["take_id"]) == (201, take["id"])
    assert [row["take_id"] for row in cast.viewer.get(path, take_id=take["id"]).data] == [take["id"]]


def test_an_approval_need_not_name_one(cast: Cast, segment: Row) -> None:
    made = cast.reviewer.post(f"/segments/{segment['id']}/approvals", {"decision": "approved"})
    assert made.data["take_id"] is None


def test_a_take_of_another_asset_is_refused(cast: Cast, database: Database, segment: Row) -> None:
    other = make_take(database, make_job(database, make_character(database, cast.project), status="succeeded"))
    for take_id in (other["id"], "tak_00000000000000000000000000", "nonsense", ""):
        answer = cast.reviewer.post(
            f"/segments/{segment['id']}/approvals", {"decision": "approved", "take_id": take_id}
        )
        assert answer.refused(422, "invalid").fields == ["/take_id"]
    assert cast.viewer.get(f"/segments/{segment['id']}").data["status"] == "in_review"


def test_sending_a_file_again_with_its_key_gets_the_first_answer(cast: Cast, database: Database, segment: Row) -> None:
    job = make_job(database, segment, status="running")
    path = f"/jobs/{job['id']}/artifacts/frame.png"
    options = {"content_type": "image/png", "headers": {"Lease-Token": LEASE, "Idempotency-Key": "frame-1"}}
    first = cast.creator.call("PUT", path, data=b"frame", **options)
    again = cast.creator.call("PUT", path, data=b"frame", **options)
    assert (again.data, again.headers["Idempotency-Replayed"]) == (first.data, "true")
    cast.creator.call("PUT", path, data=b"other", **options).refused(422, "idempotency-mismatch")
    assert cast.viewer.call("GET", path).response.data == b"frame"
