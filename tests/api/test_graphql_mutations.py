"""Changing the studio in GraphQL: each field of a mutation is the same write as in REST, and stands or falls alone."""

from __future__ import annotations

from sqlalchemy import func, select

from domain.characters.models import CHARACTERS, characters
from domain.db import Database
from domain.events.models import events
from tests.api.conftest import Cast
from tests.api.graphql import ask, data_of
from tests.factories import make_character, make_field, make_scene, shown

CREATE = "mutation ($input: NewCharacterInput!) { createCharacter(input: $input) { id name status project { id } } }"


def test_it_works(cast: Cast) -> None:
    given = {"name": "Mara Voss", "project_id": cast.project["id"], "metadata": {"height": 171}}
    made = data_of(cast.creator, CREATE, input=given)["createCharacter"]
    assert made["project"] == {"id": cast.project["id"]}
    found = cast.creator.get(f"/characters/{made['id']}").data
    assert (found["name"], found["metadata"]) == ("Mara Voss", {"height": 171})


def test_what_rest_says_of_a_fault_is_said_here(cast: Cast) -> None:
    said = ask(cast.creator, CREATE, input={"name": " ", "project_id": cast.foreign_project["id"]})
    assert said.codes == [(["createCharacter"], "invalid")]
    assert said.answer.audit["changes"] == {"refused": {"invalid": 1}}
    assert said.errors[0]["extensions"]["status"] == 422
    rest = cast.creator.post("/characters", {"name": " ", "project_id": cast.foreign_project["id"]})
    assert said.errors[0]["extensions"]["errors"] == rest.document["errors"]
    assert said.errors[0]["message"] == rest.document["detail"]


def test_each_field_stands_or_falls_by_itself(cast: Cast, database: Database) -> None:
    query = """mutation ($project: String!) {
      first: createScene(input: {name: "One", project_id: $project}) { id }
      second: createScene(input: {name: "", project_id: $project}) { id }
      third: createScene(input: {name: "Three", project_id: $project}) { id position }
    }"""
    said = ask(cast.creator, query, project=cast.project["id"])
    assert said.codes == [(["second"], "invalid")]
    assert said.data["second"] is None
    listed = data_of(cast.viewer, "{ scenes { nodes { id name } } }")["scenes"]["nodes"]
    assert [one["id"] for one in listed] == [said.data["first"]["id"], said.data["third"]["id"]]
    assert said.cost == {"bucket": "write", "tokens": 3, "rows": 3}


def test_fields_in_fragments_cost_as_much(cast: Cast) -> None:
    """Each is a write, wherever it stands in the document."""
    fields = "one: createProject(input: {name: $n}) { id } two: createProject(input: {name: $n}) { id }"
    for chosen, more in (("...F", f"fragment F on Mutation {{ {fields} }}"), (f"... {{ {fields} }}", "")):
        query = f"mutation ($n: String!) {{ {chosen} createProject(input: {{name: $n}}) {{ id }} }} {more}"
        assert ask(cast.admin, query, n="A").cost["tokens"] == 3


def test_a_later_field_sees_what_an_earlier_one_did(cast: Cast, database: Database) -> None:
    scene = make_scene(database, cast.project)
    query = """mutation ($scene: ID!, $id: String!) {
      one: createSceneSegment(id: $scene, input: {name: "A"}) { scene { segments { totalCount } } }
      two: createSegment(input: {name: "B", scene_id: $id}) { scene { segments { totalCount } } }
    }"""
    made = data_of(cast.creator, query, scene=scene["id"], id=scene["id"])
    assert [made[name]["scene"]["segments"]["totalCount"] for name in ("one", "two")] == [1, 2]


def test_a_change_is_decided_by_version(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    query = """mutation ($id: ID!, $text: String, $tag: String) {
      updateCharacter(id: $id, input: {description: $text}, if_match: $tag) { version }
    }"""
    tag = cast.creator.get(f"/characters/{character['id']}").headers["ETag"]
    assert data_of(cast.creator, query, id=character["id"], text="One", tag=tag) == {"updateCharacter": {"version": 2}}
    stale = ask(cast.creator, query, id=character["id"], text="Two", tag=tag)
    assert stale.codes == [(["updateCharacter"], "precondition-failed")]
    assert data_of(cast.creator, query, id=character["id"], text="Two") == {"updateCharacter": {"version": 3}}


def test_a_decision_is_heard_of(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    query = """mutation ($id: ID!) { decideCharacter(id: $id, input: {decision: "approved"}) {
      decision asset { id ... on Character { status } } } }"""
    made = data_of(cast.reviewer, query, id=character["id"])["decideCharacter"]
    assert made == {"decision": "approved", "asset": {"id": character["id"], "status": "approved"}}
    with database.reading() as session:
        assert session.execute(select(events.c.type)).scalars().all() == ["asset.approved"]


def test_metadata_is_merged(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project, metadata={"a": 1, "b": 2})
    query = """mutation ($id: ID!, $input: JSON!) {
      updateCharacterMetadata(id: $id, input: $input)
      putCharacterMetadataKey(id: $id, key: "c", input: {value: {deep: [1, "two", null]}})
    }"""
    made = data_of(cast.creator, query, id=character["id"], input={"a": None})
    assert made["putCharacterMetadataKey"] == {"b": 2, "c": {"deep": [1, "two", None]}}


def test_a_repeated_call_is_answered_from_the_first(cast: Cast, database: Database) -> None:
    body = {"query": CREATE, "variables": {"input": {"name": "Mara", "project_id": cast.project["id"]}}}
    first, second = (cast.creator.post("/graphql", body, headers={"Idempotency-Key": "one"}) for _ in range(2))
    assert first.document == second.document
    assert second.headers["Idempotency-Replayed"] == "true"
    other = {"query": CREATE, "variables": {"input": {"name": "Jon", "project_id": cast.project["id"]}}}
    cast.creator.post("/graphql", other, headers={"Idempotency-Key": "one"}).refused(422, "idempotency-mismatch")
    with database.reading() as session:
        assert session.execute(select(func.count()).select_from(characters)).scalar_one() == 1


def test_a_viewer_may_query_and_not_change(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    query = "mutation ($id: ID!) { archiveCharacter(id: $id) { status } }"
    assert ask(cast.viewer, query, id=character["id"]).codes == [(["archiveCharacter"], "forbidden")]
    assert ask(cast.stranger, query, id=character["id"]).codes == [(["archiveCharacter"], "not-found")]
    assert cast.viewer.get(f"/characters/{character['id']}").data == shown(CHARACTERS, character)


def test_fields_are_defined(cast: Cast, database: Database) -> None:
    field = make_field(database, cast.project, "scene", "mood", "string")
    query = """mutation ($id: ID!, $field: ID!) {
      createProjectMetadataField(id: $id, input: {entity: "scene", key: "lens", type: "integer", min: 8}) { key min }
      deleteProjectMetadataField(id: $id, field_id: $field) { key }
    }"""
    made = data_of(cast.admin, query, id=cast.project["id"], field=field["id"])
    assert made["createProjectMetadataField"] == {"key": "lens", "min": 8}
    listed = "query ($id: ID!) { project(id: $id) { metadata_fields { nodes { key project { id } } } } }"
    assert data_of(cast.viewer, listed, id=cast.project["id"])["project"]["metadata_fields"]["nodes"] == [
        {"key": "lens", "project": {"id": cast.project["id"]}}
    ]
