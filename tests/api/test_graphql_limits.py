"""What GraphQL refuses before it does anything: each refusal has its name, and nothing is stored."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from api.graphql import weight
from domain.db import Database
from domain.projects.models import projects
from tests.api.client import Answer
from tests.api.conftest import Cast
from tests.api.graphql import ask
from tests.factories import make_key

CREATE = 'mutation { createProject(input: {name: "%s"}) { id } }'


def nested(levels: int) -> str:
    """Scenes and their projects within each other; that many objects deep."""
    inside = "id"
    for level in range(levels - 1, 0, -1):
        inside = f"project {{ {inside} }}" if level % 2 else f"scenes(first: 1) {{ nodes {{ {inside} }} }}"
    return "{ scenes(first: 1) { nodes { " + inside + " } } }"


def chained(fragments: int) -> str:
    links = "".join(f"fragment f{n} on Query {{ ...f{n + 1} }} " for n in range(fragments))
    return "{ ...f0 } " + links + f"fragment f{fragments} on Query {{ me {{ id }} }}"


REFUSED = {
    "nothing": ("", "query-malformed"),
    "no document": ("{ me { id }", "query-malformed"),
    "unknown field": ("{ me { password } }", "query-invalid"),
    "no selection": ("{ me }", "query-invalid"),
    "fragment in itself": ("{ me { ...a } } fragment a on Me { ...a }", "query-invalid"),
    "two operations": ("query a { me { id } } query b { me { id } }", "query-invalid"),
    "subscription": ("subscription { me { id } }", "query-invalid"),
    "only a fragment": ("fragment a on Me { id }", "query-invalid"),
    "too deep": (nested(11), "query-too-deep"),
    "very deep": (nested(140), "query-too-deep"),
    "deeper than can be read": ("{ a " * 900 + "}" * 900, "query-too-deep"),
    "deep introspection": (
        "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }",
        "query-too-deep",
    ),
    "aliases": ("{" + "".join(f"a{n}: me {{ id }} " for n in range(31)) + "}", "too-many-aliases"),
    "tokens": ("{ me {" + " id" * 2_000 + "} }", "query-too-long"),
    "long": ("{ me { id } } #" + "x" * 70_000, "query-too-long"),
    "repeats": ("{ me { " + "id " * 11 + "} }", "query-too-complex"),
    "repeats in fragments": ("{" + " ...{ me { id } }" * 11 + "}", "query-too-complex"),
    "fragments of fragments": (
        "{ ...f0 } " + "".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }} " for n in range(100))
        + "fragment f100 on Query { me { id } }", "query-too-complex",
    ),
    "rows": ("{ projects(first: 101) { nodes { scenes(first: 100) { nodes { id } } } } }", "query-too-complex"),
    "rows by default": ("{ projects { nodes { scenes { nodes { segments { nodes { id scene { id } } } } } } } }",
                        "query-too-complex"),
    "NUL": ('{ project(id: "\\u0000") { id } }', "query-malformed"),
    "half a pair": ('{ project(id: "\\ud800") { id } }', "query-malformed"),
    "large number": (f'{{ scenes(filter: [{{field: "position", value: {10**30}}}]) {{ totalCount }} }}',
                     "query-malformed"),
    "endless number": ('{ scenes(filter: [{field: "position", value: 1e999}]) { totalCount } }', "query-malformed"),
    "nested value": (f'{{ scenes(filter: [{{field: "a", value: {"[" * 40}{"]" * 40}}}]) {{ totalCount }} }}',
                     "query-malformed"),
}  # fmt: skip


def post(cast: Cast, query: str, **more: Any) -> Answer:
    return cast.admin.post("/graphql", {"query": query, **more})


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_by_name(cast: Cast, name: str) -> None:
    query, problem = REFUSED[name]
    answer = post(cast, query).refused(400, problem)
    assert {(error["field"], error["code"]) for error in answer.document["errors"]} == {("/query", problem)}


def test_as_deep_as_may_be_is_answered(cast: Cast) -> None:
    assert not ask(cast.admin, nested(10)).errors


def test_many_fragments_are_measured_as_what_they_stand_for(cast: Cast) -> None:
    assert not ask(cast.admin, chained(30)).errors
    assert not ask(cast.admin, chained(80)).errors
    post(cast, chained(240)).refused(400, "query-too-complex")


def test_a_fragment_that_is_spread_twice_costs_twice(cast: Cast) -> None:
    doubled = " ".join(f"fragment f{n} on Query {{ a{n}: me {{ id }} ...f{n + 1} ...f{n + 1} }}" for n in range(25))
    answer = post(cast, "{ ...f0 } " + doubled + " fragment f25 on Query { scenes(first: 1) { nodes { id } } }")
    answer.refused(400, "query-too-complex")


def test_variables_must_fit(cast: Cast) -> None:
    query = "query ($id: ID!, $first: Int) { project(id: $id) { scenes(first: $first) { totalCount } } }"
    faulty: list[dict[str, Any]] = [{}, {"id": None}, {"id": "x", "first": "many"}, {"id": "x", "first": 2**40}]
    for variables in faulty:
        answer = post(cast, query, variables=variables).refused(400, "query-invalid")
        assert answer.fields[0] == "/variables"
    post(cast, query, variables=[]).refused(422, "invalid")
    post(cast, query, variables={"id": "x"}, operationName="other").refused(400, "query-invalid")


def test_the_size_counts_what_variables_say(cast: Cast) -> None:
    query = "query ($n: Int) { projects(first: $n) { nodes { scenes(first: $n) { nodes { id } } } } }"
    assert ask(cast.admin, query, n=50).cost == {"bucket": "read", "tokens": 26, "rows": 2550}
    post(cast, query, variables={"n": 200}).refused(400, "query-too-complex")


@pytest.mark.parametrize(
    ("most", "query"),
    [
        (40_000, "{ characters { nodes { project { characters { nodes { description } } } } } }"),  # the same five
        (10_000, "{ characters { nodes { id } } }"),
        (20_000, "{ characters { nodes { id project { characters { nodes { id } } } } } }"),
        (0, CREATE % "Mara"),
    ],
)
def test_large_objects_are_weighed(cast: Cast, monkeypatch: pytest.MonkeyPatch, most: int, query: str) -> None:
    for _ in range(5):
        cast.creator.post("/characters", {"name": "A", "project_id": cast.project["id"], "description": "x" * 2_000})
    assert not ask(cast.admin, query).errors
    before = cast.admin.get("/projects").ids
    monkeypatch.setattr(weight, "MOST_BYTES", most)
    post(cast, query).refused(400, "query-too-complex")
    assert cast.admin.get("/projects").ids == before


@pytest.mark.parametrize("first", [0, -1, 201])
def test_a_page_has_its_bounds(cast: Cast, first: int) -> None:
    said = ask(cast.admin, "query ($n: Int) { scenes(first: $n) { nodes { id } } me { id } }", n=first)
    assert said.codes == [(["scenes"], "bad-query")]
    assert said.data["me"]["id"]


def test_the_body_is_checked(cast: Cast) -> None:
    cast.admin.post("/graphql", b"{").refused(400, "malformed-json")
    cast.admin.post("/graphql", {}).refused(422, "invalid")
    cast.admin.post("/graphql", {"query": 5}).refused(422, "invalid")
    cast.admin.post("/graphql", {"query": "{ me { id } }", "id": 1}).refused(422, "invalid")
    cast.admin.call("GET", "/graphql").refused(405, "method-not-allowed")


def test_a_refused_document_stores_nothing(cast: Cast, database: Database) -> None:
    post(cast, CREATE % "One" + " { me { id } }").refused(400, "query-invalid")
    post(cast, (CREATE % "Two").replace("{ id }", "{ password }")).refused(400, "query-invalid")
    with database.reading() as session:
        assert session.execute(select(func.count()).select_from(projects)).scalar_one() == 0


def test_tokens_are_taken_of_the_bucket_of_what_it_does(cast: Cast, database: Database) -> None:
    key = make_key(database, "admin", read_per_minute=30, write_per_minute=2)
    caller = type(cast.admin)(cast.admin.app, key)
    query = "{ projects(first: 200) { nodes { scenes(first: 4) { nodes { id } } } } }"
    answer = caller.post("/graphql", {"query": query})
    assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == ("30", "20")
    for remaining in ("1", "0"):
        answer = caller.post("/graphql", {"query": CREATE % remaining})
        assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == ("2", remaining)
    caller.post("/graphql", {"query": CREATE % "no more"}).refused(429, "quota-exceeded")
    assert caller.post("/graphql", {"query": "{ me { id } }"}).status == 200
    assert answer.audit["rate_limit"] == "write 0/2"
