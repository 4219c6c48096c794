"""Takes in GraphQL: beside what they are of, and named by the decision on it."""

from __future__ import annotations

from domain.db import Database
from tests.api.conftest import Cast
from tests.api.graphql import ask, data_of
from tests.factories import make_job, make_scene, make_segment, make_take

TAKE = """id object number kind params cost { amount } thumbnail_id media_id
  target { object id } submitted_by { type id name }"""
APPROVE = """mutation ($id: ID!, $input: NewApprovalInput!) {
  decideSegment(id: $id, input: $input) { decision take_id }
}"""


def test_it_works(cast: Cast, database: Database) -> None:
    segment = make_segment(database, make_scene(database, cast.project), status="in_review")
    made = make_take(database, make_job(database, segment, status="succeeded"))
    query = f"""query ($id: ID!, $take: ID!) {{
      take(id: $take) {{ {TAKE} project {{ id }} }}
      node(id: $take) {{ object ... on Take {{ number }} }}
      segment(id: $id) {{ takes(filter: [{{field: "kind", value: "generate"}}]) {{ totalCount nodes {{ id }} }} }}
    }}"""
    shown = data_of(cast.viewer, query, id=segment["id"], take=made["id"])
    wanted = cast.viewer.get(f"/takes/{made['id']}").data
    assert shown["take"].pop("project") == {"id": cast.project["id"]}
    assert shown["take"] == {name: wanted[name] for name in shown["take"]}
    assert shown["node"] == {"object": "take", "number": 1}
    assert shown["segment"]["takes"] == {"totalCount": 1, "nodes": [{"id": made["id"]}]}
    given = {"decision": "approved", "take_id": made["id"]}
    assert data_of(cast.reviewer, APPROVE, id=segment["id"], input=given)["decideSegment"] == given


def test_a_take_of_another_project_is_not_there(cast: Cast, database: Database) -> None:
    segment = make_segment(database, make_scene(database, cast.project))
    made = make_take(database, make_job(database, segment, status="succeeded"))
    said = ask(cast.stranger, "query ($id: ID!) { take(id: $id) { id } }", id=made["id"])
    assert said.codes == [(["take"], "not-found")]
