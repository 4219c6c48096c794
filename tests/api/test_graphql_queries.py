"""Asking for the studio's objects in GraphQL: what comes back is what REST shows."""

from __future__ import annotations

import orjson
from sqlalchemy import select

from domain.characters.models import CHARACTERS
from domain.db import Database
from domain.events.models import events
from tests.api.client import Client
from tests.api.conftest import Cast
from tests.api.graphql import ask, data_of
from tests.factories import make_approval, make_character, make_scene, make_segment

TREE = """
query Tree($id: ID!) {
  project(id: $id) {
    id name code
    characters { nodes { id name approvals { nodes { decision asset { object id } decided_by { type name } } } } }
    scenes { edges { node { id position segments { totalCount nodes { id frame_in scene { id } metadata } } } } }
  }
}
"""


def test_it_works(cast: Cast, database: Database) -> None:
    project = cast.project
    character = make_character(database, project)
    scene = make_scene(database, project)
    segment = make_segment(database, scene, metadata={"lens": 35}, frame_in=1001)
    make_approval(database, CHARACTERS, character)
    shown = data_of(cast.viewer, TREE, id=project["id"])["project"]
    assert (shown["id"], shown["name"], shown["code"]) == (project["id"], project["name"], project["code"])
    (one,) = shown["characters"]["nodes"]
    assert one["id"] == character["id"]
    assert one["approvals"]["nodes"][0]["asset"] == {"object": "character", "id": character["id"]}
    (edge,) = shown["scenes"]["edges"]
    assert edge["node"]["segments"] == {
        "totalCount": 1,
        "nodes": [{"id": segment["id"], "frame_in": 1001, "scene": {"id": scene["id"]}, "metadata": {"lens": 35}}],
    }


def test_node_finds_any_object(cast: Cast, database: Database) -> None:
    scene = make_scene(database, cast.project)
    query = "query ($id: ID!) { node(id: $id) { id object ... on Scene { position } } }"
    found = data_of(cast.creator, query, id=scene["id"])["node"]
    assert found == {"id": scene["id"], "object": "scene", "position": scene["position"]}


def test_what_the_key_does_not_see_is_not_found(cast: Cast, database: Database) -> None:
    foreign = make_scene(database, cast.foreign_project)
    query = "query ($id: ID!) { scene(id: $id) { id } node(id: $id) { id } projects { nodes { id } } }"
    said = ask(cast.creator, query, id=foreign["id"])
    assert said.codes == [(["scene"], "not-found"), (["node"], "not-found")]
    assert said.data == {"scene": None, "node": None, "projects": {"nodes": [{"id": cast.project["id"]}]}}


def test_me_is_the_calling_key(cast: Cast) -> None:
    me = data_of(cast.reviewer, "{ me { id role scope project_ids rate_limits { read { limit } } } }")["me"]
    assert cast.reviewer.key is not None
    assert (me["id"], me["role"], me["project_ids"]) == (cast.reviewer.key.id, "reviewer", [cast.project["id"]])


def test_entities_are_found_by_metadata(cast: Cast, database: Database) -> None:
    cast.admin.post(
        f"/projects/{cast.project['id']}/metadata-fields", {"entity": "character", "key": "height", "type": "integer"}
    )
    made = cast.admin.post(
        "/characters", {"name": "Mara", "project_id": cast.project["id"], "metadata": {"height": 171}}
    )
    query = """query ($f: [Filter!]) { entities(filter: $f) { nodes { id metadata } }
      characters(filter: [{field: "metadata.height", op: gt, value: 170}], sort: "-metadata.height") {
        nodes { id } } }"""
    found = data_of(cast.viewer, query, f=[{"field": "metadata.height", "value": 171}])
    assert [one["id"] for one in found["entities"]["nodes"]] == [made.data["id"]]
    assert found["characters"]["nodes"] == [{"id": made.data["id"]}]


def test_the_schema_may_be_asked_for(cast: Cast) -> None:
    found = data_of(cast.viewer, "{ __schema { mutationType { fields { name } } } }")
    assert "createCharacter" in {field["name"] for field in found["__schema"]["mutationType"]["fields"]}


def test_what_happened_is_told_as_to_webhooks(cast: Cast, database: Database) -> None:
    character = make_character(database, cast.project)
    make_approval(database, CHARACTERS, character)
    cast.creator.call("PATCH", f"/characters/{character['id']}", json={"name": "Mara"})
    query = """query ($id: ID!) { character(id: $id) { events { totalCount nodes {
      id type version timestamp project_id request_id actor { type id name } data changes truncated } } }
      approvals { nodes { decision asset { id } } } }"""
    shown = data_of(cast.creator, query, id=character["id"])
    with database.reading() as session:
        bodies = session.execute(select(events.c.body).order_by(events.c.id.desc())).scalars().all()
    told = [{"truncated": False, **orjson.loads(body)} for body in bodies]
    assert {each["type"] for each in told} == {"asset.approved", "character.updated"}
    found = shown["character"]["events"]
    assert found["totalCount"] == 2
    assert sorted(found["nodes"], key=lambda each: str(each["id"]), reverse=True) == told
    assert shown["approvals"]["nodes"] == [{"decision": "approved", "asset": {"id": character["id"]}}]
    hidden = "{ approvals { nodes { id } } }"
    assert data_of(cast.stranger, hidden) == {"approvals": {"nodes": []}}


def test_a_query_keeps_nothing_under_its_idempotency_key(cast: Cast) -> None:
    for query in ("{ me { id } }", "{ me { name } }"):
        answer = cast.viewer.post("/graphql", {"query": query}, headers={"Idempotency-Key": "one"})
        assert "Idempotency-Replayed" not in answer.headers
        assert list(answer.data["me"]) == [query.split()[3]]
    faulty = cast.viewer.post("/graphql", {"query": "{ me { id } }"}, headers={"Idempotency-Key": "\t"})
    faulty.refused(400, "bad-request")


def test_it_needs_a_key(cast: Cast) -> None:
    cast.nobody.post("/graphql", {"query": "{ me { id } }"}).refused(401, "key-missing")


def test_the_content_type_is_the_one_that_is_accepted(cast: Cast) -> None:
    def kind(client: Client, accept: str) -> str:
        body = {"query": "{ me { id } }"}
        return client.post("/graphql", body, headers={"Accept": accept}).headers["Content-Type"]

    own = "application/graphql-response+json"
    assert [kind(cast.viewer, accept) for accept in (f"{own}, application/json", "*/*")] == [own, "application/json"]
