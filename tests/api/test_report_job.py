"""POST /jobs/{id}/heartbeat, /complete and /fail: what the holder of a lease may say, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from domain.db import Database
from tests.api.conftest import Cast
from tests.factories import LEASE, change_job, make_character, make_job
from tests.support.clock import StoppedClock
from tests.support.jobs import claim, report, take
from tests.support.stories import told, types_told

FAILURE: dict[str, Any] = {"error": {"code": "out_of_memory", "message": "The GPU ran out of memory."}}


@pytest.fixture
def held(cast: Cast, database: Database) -> tuple[str, str]:
    job = make_job(database, make_character(database, cast.project), status="running", max_attempts=2)
    return job["id"], LEASE


def test_it_works(cast: Cast, database: Database, held: tuple[str, str], clock: StoppedClock) -> None:
    clock.advance(seconds=30)
    beat = report(cast.creator, held, "heartbeat", progress=40.5, message="Frame 40 of 96")
    assert beat.data == {"cancel": False, "lease_expires_at": "2026-03-01T12:01:30.000Z"}
    shown = cast.viewer.get(f"/jobs/{held[0]}").data
    assert (shown["progress"], shown["message"], shown["version"]) == (40.5, "Frame 40 of 96", 2)

    cost = {"amount": "0.42", "currency": "EUR", "gpu_seconds": 93.5, "units_in": 812, "units_out": 4096}
    done = report(cast.creator, held, "complete", result={"frames": 96}, cost=cost)
    assert done.status == 200
    assert done.headers["ETag"] == f'"{held[0]}-3"'
    assert (done.data["status"], done.data["progress"], done.data["finished_at"]) == (
        "succeeded", 100, "2026-03-01T12:00:30.000Z",
    )  # fmt: skip
    assert (done.data["result"], done.data["cost"]) == ({"frames": 96}, cost)
    (event,) = told(database, held[0])
    assert (event["type"], event["data"]) == ("job.completed", done.data)


def test_a_heartbeat_costs_a_read(cast: Cast, held: tuple[str, str]) -> None:
    answer = report(cast.creator, held, "heartbeat")
    assert answer.headers["RateLimit"].startswith('"read"')


def test_a_heartbeat_that_tells_nothing_new_changes_nothing_that_is_shown(cast: Cast, held: tuple[str, str]) -> None:
    before = cast.viewer.get(f"/jobs/{held[0]}")
    assert report(cast.creator, held, "heartbeat", progress=0).status == 200
    after = cast.viewer.get(f"/jobs/{held[0]}")
    assert (after.data, after.headers["ETag"]) == (before.data, before.headers["ETag"])


def test_what_failed_is_queued_again_until_no_attempt_is_left(
    cast: Cast, database: Database, held: tuple[str, str]
) -> None:
    answer = report(cast.creator, held, "fail", **FAILURE)
    assert (answer.data["status"], answer.data["error"], answer.data["attempts"]) == ("queued", FAILURE["error"], 1)
    assert types_told(database, held[0]) == []
    last = report(cast.creator, take(cast.creator, "farm-2"), "fail", error={"code": "broken"})
    assert (last.data["status"], last.data["error"]) == ("failed", {"code": "broken", "message": ""})
    assert last.data["finished_at"] is not None
    assert types_told(database, held[0]) == ["job.started", "job.failed"]


def test_what_cannot_be_done_better_fails_at_once(cast: Cast, held: tuple[str, str]) -> None:
    assert report(cast.creator, held, "fail", **FAILURE, retryable=False).data["status"] == "failed"


def test_a_worker_may_drop_what_it_was_asked_to(cast: Cast, database: Database, held: tuple[str, str]) -> None:
    assert cast.creator.post(f"/jobs/{held[0]}/cancel").data["status"] == "running"
    assert report(cast.creator, held, "heartbeat").data["cancel"] is True
    answer = report(cast.creator, held, "fail", error={"code": "cancelled", "message": "Stopped."})
    assert (answer.data["status"], answer.data["cancel_requested"]) == ("cancelled", True)
    assert types_told(database, held[0]) == ["job.cancelled"]


REPORTS: tuple[tuple[str, dict[str, Any]], ...] = (("heartbeat", {"progress": 50}), ("complete", {}), ("fail", FAILURE))


@pytest.mark.parametrize(("verb", "fields"), REPORTS)
def test_a_worker_that_lost_its_lease_changes_nothing(
    cast: Cast, database: Database, held: tuple[str, str], clock: StoppedClock, verb: str, fields: dict[str, Any]
) -> None:
    report(cast.creator, (held[0], "lease_of-another"), verb, **fields).refused(409, "conflict")
    clock.advance(minutes=2)
    present = take(cast.creator, "farm-2")
    assert present[0] == held[0]
    before = cast.viewer.get(f"/jobs/{held[0]}").data
    report(cast.creator, held, verb, **fields).refused(409, "conflict")
    assert cast.viewer.get(f"/jobs/{held[0]}").data == before
    assert report(cast.creator, present, "complete").status == 200
    for token in (held, present):
        report(cast.creator, token, verb, **fields).refused(409, "conflict")


@pytest.mark.parametrize("status", ["waiting", "queued", "succeeded", "failed", "cancelled"])
@pytest.mark.parametrize(("verb", "fields"), REPORTS)
def test_only_what_is_running_is_reported(
    cast: Cast, database: Database, held: tuple[str, str], status: str, verb: str, fields: dict[str, Any]
) -> None:
    change_job(database, held[0], status=status)
    report(cast.creator, held, verb, **fields).refused(409, "conflict")


BAD: tuple[tuple[str, dict[str, Any], list[str]], ...] = (
    ("heartbeat", {"progress": 100.5}, ["/progress"]),
    ("heartbeat", {"progress": True}, ["/progress"]),
    ("heartbeat", {"message": "x" * 2001}, ["/message"]),
    ("complete", {"result": 1}, ["/result"]),
    ("complete", {"result": {"log": "x" * 66_000}}, ["/result"]),
    ("complete", {"cost": {"amount": "1,5", "currency": "EUR"}}, ["/cost/amount"]),
    ("complete", {"cost": {"amount": "1.5"}}, ["/cost/currency"]),
    ("complete", {"cost": {"amount": "1.5", "currency": "Eur"}}, ["/cost/currency"]),
    ("complete", {"cost": {"gpu_seconds": -1, "units_in": -1}}, ["/cost/gpu_seconds", "/cost/units_in"]),
    ("fail", {}, ["/error"]),
    ("fail", {"error": {"message": "?"}}, ["/error/code"]),
    ("fail", {"error": {"code": " "}}, ["/error/code"]),
    ("fail", {"error": {"code": "x" * 61, "message": "x" * 2001}}, ["/error/code", "/error/message"]),
    ("fail", {**FAILURE, "retryable": "no"}, ["/retryable"]),
)


@pytest.mark.parametrize(("verb", "given", "fields"), BAD, ids=lambda value: str(value)[:40])
def test_what_breaks_a_rule_is_named_and_not_stored(
    cast: Cast, held: tuple[str, str], verb: str, given: dict[str, Any], fields: list[str]
) -> None:
    before = cast.viewer.get(f"/jobs/{held[0]}").data
    assert report(cast.creator, held, verb, **given).refused(422, "invalid").fields == fields
    assert cast.viewer.get(f"/jobs/{held[0]}").data == before


def test_a_completion_may_be_sent_again(cast: Cast, database: Database) -> None:
    """Its answer was lost: with the same `Idempotency-Key` it is the same answer."""
    make_job(database, make_character(database, cast.project))
    job_id, token = take(cast.creator)
    again = [
        cast.creator.post(f"/jobs/{job_id}/complete", {"lease_token": token}, headers={"Idempotency-Key": "done"})
        for _ in range(2)
    ]
    assert [answer.status for answer in again] == [200, 200]
    assert again[0].data == again[1].data
    assert claim(cast.creator).status == 204
