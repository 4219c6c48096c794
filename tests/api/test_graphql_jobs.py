"""Jobs in GraphQL: submitted, followed, changed and cancelled as over REST."""

from __future__ import annotations

from domain.db import Database
from tests.api.conftest import Cast
from tests.api.graphql import ask, data_of
from tests.factories import make_job, make_scene, make_segment

SUBMIT = """mutation ($input: NewJobInput!) {
  submitJob(input: $input) { id status priority target { object id ... on Segment { name scene { id } } } }
}"""


def test_it_works(cast: Cast, database: Database) -> None:
    segment = make_segment(database, make_scene(database, cast.project))
    target = {"object": "segment", "id": segment["id"]}
    given = {"kind": "generate", "target": target, "params": {"seed": 7, "prompt": "A lamp."}, "priority": 9}
    made = data_of(cast.creator, SUBMIT, input=given)["submitJob"]
    assert (made["status"], made["priority"]) == ("queued", 9)
    assert made["target"] == {**target, "name": segment["name"], "scene": {"id": segment["scene_id"]}}
    query = """query ($id: ID!, $segment: ID!) {
      job(id: $id) { params project { id } }
      node(id: $id) { object ... on Job { kind } }
      segment(id: $segment) { jobs { totalCount nodes { id } } }
      jobs(filter: [{field: "status", value: "queued"}]) { nodes { id submitted_by { type } } }
    }"""
    shown = data_of(cast.viewer, query, id=made["id"], segment=segment["id"])
    assert shown["job"] == {"params": given["params"], "project": {"id": cast.project["id"]}}
    assert shown["node"] == {"object": "job", "kind": "generate"}
    assert shown["segment"]["jobs"] == {"totalCount": 1, "nodes": [{"id": made["id"]}]}
    assert shown["jobs"]["nodes"] == [{"id": made["id"], "submitted_by": {"type": "api_key"}}]


def test_what_rest_says_of_a_fault_is_said_here(cast: Cast, database: Database) -> None:
    segment = make_segment(database, make_scene(database, cast.project))
    target = {"object": "segment", "id": segment["id"]}
    for faulty in ({"kind": "unknown"}, {"params": {"seed": "seven"}}, {"depends_on": ["job_none"]}):
        given = {"kind": "generate", "target": target, "params": {"prompt": "A lamp."}, **faulty}
        said = ask(cast.creator, SUBMIT, input=given)
        assert said.codes == [(["submitJob"], "invalid")]
        assert said.errors[0]["extensions"]["errors"] == cast.creator.post("/jobs", given).document["errors"]


def test_a_job_is_changed_cancelled_and_retried(cast: Cast, database: Database) -> None:
    job = make_job(database, make_segment(database, make_scene(database, cast.project)))
    query = """mutation ($id: ID!) {
      updateJob(id: $id, input: {priority: 3}) { priority }
      cancelJob(id: $id) { status }
      again: cancelJob(id: $id) { status }
      retryJob(id: $id) { status }
    }"""
    said = ask(cast.creator, query, id=job["id"])
    assert said.data == {
        "updateJob": {"priority": 3},
        "cancelJob": {"status": "cancelled"},
        "again": None,
        "retryJob": {"status": "queued"},
    }
    assert said.codes == [(["again"], "conflict")]


def test_nothing_is_retried_for_what_is_archived(cast: Cast, database: Database) -> None:
    segment = make_segment(database, make_scene(database, cast.project))
    job = make_job(database, segment, status="failed")
    assert cast.admin.call("DELETE", f"/segments/{segment['id']}").status == 200
    said = ask(cast.creator, "mutation ($id: ID!) { retryJob(id: $id) { status } }", id=job["id"])
    assert said.codes == [(["retryJob"], "conflict")]
