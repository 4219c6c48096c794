"""What the audit keeps of a GraphQL call: the operation and its variables, masked, and no literal of the document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from domain.audit.masking import mask_also
from tests.api.client import Answer
from tests.api.conftest import Cast

SECRET = "csk_abcdefgh_0123456789abcdefghij_abcdef"


@pytest.fixture
def fees() -> Iterator[None]:
    mask_also(["fee"])
    yield
    mask_also([])


def post(cast: Cast, query: str, **variables: Any) -> Answer:
    return cast.admin.post("/graphql", {"query": query, "variables": variables, "operationName": None})


def body(answer: Answer) -> Any:
    return answer.audit["params"]["body"]


def test_it_works(cast: Cast) -> None:
    answer = post(cast, "query Board($n: Int) {\n  projects(first: $n) { nodes { id } }\n}", n=3)
    assert (answer.audit["route"], answer.audit["method"]) == ("/api/v1/graphql", "POST")
    assert body(answer) == {
        "operation": "query Board",
        "query": "query Board($n: Int) { projects(first: $n) { nodes { id } } }",
        "variables": {"n": 3},
    }


def test_literals_are_left_out(cast: Cast) -> None:
    answer = post(cast, '{ scenes(first: 5, filter: [{field: "name", value: 77}], q: "mara") { nodes { id } } }')
    assert answer.status == 200
    shown = '{ scenes(first: 5, filter: [{ field: "•••", value: "•••" }], q: "•••") { nodes { id } } }'
    assert body(answer)["query"] == shown


def test_yes_no_and_nothing_are_literals_too(cast: Cast) -> None:
    query = 'mutation { putProjectMetadataKey(id: "x", key: "union", input: {value: %s}) { id } }'
    for literal in ("true", "false", "null", "1.5"):
        assert 'input: { value: "•••" }' in body(post(cast, query % literal))["query"]


def test_words_without_quotes_are_texts_too(cast: Cast) -> None:
    """Where any JSON is taken."""
    given = '{name: "A", project_id: "x", metadata: {password: true, list: [hunter2]}}'
    shown = body(post(cast, f"mutation {{ createScene(input: {given}) {{ id }} }}"))["query"]
    assert 'metadata: { password: "•••", list: ["•••"] }' in shown
    listed = post(cast, '{ scenes(filter: [{field: "name", op: in, value: [hunter2]}]) { nodes { id } } }')
    assert 'op: in, value: ["•••"]' in body(listed)["query"]


def test_secrets_in_variables_are_masked(cast: Cast) -> None:
    query = "query ($id: ID!, $token: String) { project(id: $id) { scenes(q: $token) { nodes { id } } } }"
    assert body(post(cast, query, id=SECRET, token="abc"))["variables"] == {"id": "•••", "token": "•••"}


@pytest.mark.usefixtures("fees")
def test_a_configured_name_hides_what_may_be_its_value(cast: Cast) -> None:
    put = """mutation ($id: ID!, $%s: JSON!) { putProjectMetadataKey(id: $id, key: %s, input: {value: $%s}) }"""
    project = cast.project["id"]
    for query, variables in (
        (put % ("v", '"fee"', "v"), {"id": project, "v": 1234}),
        (put.replace("($id", "($k: ID!, $id") % ("v", "$k", "v"), {"id": project, "k": "fee", "v": 1234}),
        ("mutation ($id: ID!, $v: JSON) { updateProject(id: $id, input: {metadata: {fee: $v}}) { id } }",
         {"id": project, "v": 1234}),
        ("mutation ($id: ID!, $m: JSON) { updateProject(id: $id, input: {metadata: $m}) { id } }",
         {"id": project, "m": {"fee": 1234}}),
        ('mutation { updateProject(id: "' + project + '", input: {metadata: {fee: 1234}}) { id } }', {}),
    ):  # fmt: skip
        answer = post(cast, query, **variables)
        assert answer.document.get("errors") is None, answer.document
        assert "1234" not in str(answer.audit["params"]), query


def test_what_cannot_be_read_is_kept_as_its_length(cast: Cast) -> None:
    answer = post(cast, '{ project(id: "secret-that-breaks ) { id } }', note="secret-that-stays")
    answer.refused(400, "query-malformed")
    assert body(answer) == {"query": {"unreadable_characters": 44}, "variables": {"note": "•••"}}
    assert answer.audit["problem"] == "query-malformed"


def test_a_call_over_the_limit_keeps_no_literal_either(cast: Cast) -> None:
    answer = cast.nobody.post("/graphql", {"query": '{ project(id: "secret") { id } }'}).refused(401, "key-missing")
    assert "secret" not in str(answer.audit["params"])
