"""SQL statements of a GraphQL query: as few for fifty rows at every level as for one."""

from __future__ import annotations

from domain.characters.models import CHARACTERS
from domain.db import Database, Row
from domain.segments.models import SEGMENTS
from tests.api.conftest import Cast
from tests.api.test_statement_counts import statements
from tests.factories import make_approval, make_character, make_field, make_job, make_project, make_scene, make_segment

TREE = """{
  projects(first: 50) { totalCount nodes {
    name
    metadata_fields(first: 2) { nodes { key project { name } } }
    characters(first: 3) { totalCount nodes { name project { name } approvals(first: 1) { nodes { decision
      asset { id ... on Character { name } } project { name } } } } }
    scenes(first: 3, sort: "-name") { nodes { name segments(first: 2) { totalCount edges { cursor node { name
      scene { name project { name } } approvals(first: 2) { totalCount nodes { note } }
      jobs(first: 2) { totalCount nodes { kind target { id ... on Segment { name } } project { name } } } } } } } }
  } }
}"""
# Projects and their number; fields; characters and theirs, approvals and their assets; projects once; scenes;
# segments and their number, their scenes, their approvals and jobs with their numbers, the targets of jobs; the audit.
STATEMENTS = 18


def populate(database: Database, project: Row) -> None:
    make_field(database, project, "scene", "mood", "string")
    character = make_character(database, project)
    make_approval(database, CHARACTERS, character)
    for _ in range(2):
        scene = make_scene(database, project)
        for _ in range(2):
            segment = make_segment(database, scene)
            make_approval(database, SEGMENTS, segment)
            make_job(database, segment)


def test_it_works(cast: Cast, database: Database) -> None:
    populate(database, cast.project)
    one = statements(cast.admin, database, "POST", "/graphql", json={"query": TREE})
    for _ in range(49):
        populate(database, make_project(database))
    fifty = statements(cast.admin, database, "POST", "/graphql", json={"query": TREE})
    assert len(one) == len(fifty) == STATEMENTS


def test_one_object_costs_what_it_costs_in_rest(cast: Cast, database: Database) -> None:
    query = '{ project(id: "' + cast.project["id"] + '") { name } }'
    seen = statements(cast.admin, database, "POST", "/graphql", json={"query": query})
    assert [statement.split()[0] for statement in seen] == ["SELECT", "INSERT"]


def test_a_mutation_adds_its_savepoint_alone(cast: Cast, database: Database) -> None:
    given = {"name": "Mara", "project_id": cast.project["id"]}
    rest = statements(cast.admin, database, "POST", "/characters", json=given)
    query = "mutation ($input: NewCharacterInput!) { createCharacter(input: $input) { id } }"
    body = {"query": query, "variables": {"input": {**given, "name": "Jon"}}}
    seen = statements(cast.admin, database, "POST", "/graphql", json=body)
    assert len(seen) <= len(rest) + 2
