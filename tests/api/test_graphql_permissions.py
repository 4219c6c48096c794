"""Who may do what in GraphQL: the same as in REST, for every role, scope and operation that both have."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from flask import Flask

from api.graphql.mutations import mutation_name
from api.graphql.types import name_of
from api.operation import Operation
from domain.db import Database
from tests.api.client import BASE, Client
from tests.api.graphql import PATH, ask
from tests.api.places import Places
from tests.api.test_permissions_table import NEEDS, TABLE, Stage, cases, expected, registered

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
WRITES = {name for name, rule in TABLE.items() if rule.needs in ("write", "decide", "define")} | {"create_project"}
ENTITIES = ("project", "character", "scene", "segment")
LISTED = (*ENTITIES, "job")
OBJECTS = (*LISTED, "take")
NESTED = {
    f"list_{parent}_{plural}": (parent, plural)
    for parent, plural in (
        *(("project", name) for name in ("characters", "scenes", "segments", "metadata_fields")),
        ("scene", "segments"),
        *((name, noun) for name in ENTITIES[1:] for noun in ("approvals", "takes")),
        *((name, "jobs") for name in ENTITIES),
    )
}


@pytest.fixture
def stage(app: Flask, database: Database) -> Stage:
    return Stage(app, database)


def in_path(operation: Operation, path: str) -> dict[str, str]:
    pattern = _PARAMETER.sub(r"(?P<\1>[^/]+)", BASE + operation.rule)
    found = re.fullmatch(pattern, path)
    assert found is not None
    return found.groupdict()


def as_mutation(stage: Stage, operation: Operation, places: Places) -> tuple[str, dict[str, Any]]:
    """The document and the variables of a good call."""
    path, options = stage.options(operation, places)
    variables: dict[str, Any] = in_path(operation, path)
    types = dict.fromkeys(variables, "ID!")
    if operation.body is not None:
        variables["input"] = options["json"]
        types["input"] = f"{name_of(type(operation.body))}Input!" if operation.body.fields else "JSON!"
    declared = ", ".join(f"${name}: {kind}" for name, kind in types.items())
    given = ", ".join(f"{name}: ${name}" for name in types)
    shown = "{ __typename }" if operation.returns().fields else ""
    document = f"mutation ({declared}) {{ {mutation_name(operation.id)}({given}) {shown} }}"
    return document.replace("()", ""), variables


def outcome(caller: Client, document: str, variables: dict[str, Any]) -> tuple[int, str]:
    """As `expected` says it: the status that REST would have had, and the field at fault."""
    said = ask(caller, document, **variables)
    if not said.errors:
        return 200, ""
    (error,) = said.errors
    told = error["extensions"]
    fields = ",".join(each["field"] for each in told.get("errors", ()))
    return (200 if told["status"] == 409 else told["status"]), fields


def test_a_mutation_may_do_what_the_operation_may(stage: Stage) -> None:
    known, wrong, done = registered(), [], set()
    for operation_id, group in itertools.groupby(cases(), lambda case: case[0]):
        places = stage.places()
        for _, role, scope, place in group if operation_id in WRITES else ():
            document, variables = as_mutation(stage, known[operation_id], places[place])
            before = stage.count_events()
            found = outcome(stage.callers[role, scope], document, variables)
            wanted = expected(TABLE[operation_id], role, scope, place)
            if found != wanted:
                wrong.append((operation_id, role, scope, place, wanted, found))
            assert found[0] == 200 or stage.count_events() == before, f"a refused {operation_id} had an effect"
            if found == (200, ""):
                done.add(operation_id)
    assert not wrong, "\n".join(map(str, wrong))
    assert done == WRITES


def test_a_query_sees_what_a_get_sees(stage: Stage) -> None:
    places = stage.places()
    assert set(NESTED) <= set(TABLE)
    nouns = [(noun, "id") for noun in OBJECTS] + [
        (noun, f"{plural} {{ totalCount }}") for noun, plural in NESTED.values()
    ]
    for (role, scope), caller in stage.callers.items():
        for place, (noun, asked) in itertools.product(places, nouns):
            row = getattr(places[place], noun)
            hidden = place == "foreign" and scope == "project"
            for root in (noun, "node"):
                query = f"query ($id: ID!) {{ {root}(id: $id) {{ ... on {noun.title()} {{ {asked} }} }} }}"
                assert outcome(caller, query, {"id": row["id"]}) == ((404, "") if hidden else (200, "")), (role, root)


def test_lists_show_what_the_caller_sees(stage: Stage) -> None:
    places = stage.places()
    for noun, ((_role, scope), caller) in itertools.product(LISTED, stage.callers.items()):
        ids = {getattr(place, noun)["id"]: name for name, place in places.items()}
        query = f"{{ {noun}s(first: 200) {{ nodes {{ id }} }} entities(first: 200) {{ nodes {{ id }} }} }}"
        said = ask(caller, query).data
        for shown in (said[f"{noun}s"], *([said["entities"]] if noun in ENTITIES else [])):
            seen = {ids[row["id"]] for row in shown["nodes"] if row["id"] in ids}
            assert seen == ({"own"} if scope == "project" else {"own", "foreign"})


def test_every_write_of_the_studio_has_a_mutation(stage: Stage) -> None:
    query = "{ __schema { mutationType { fields { name } } } }"
    found = {
        field["name"]
        for field in ask(stage.callers["viewer", "full"], query).data["__schema"]["mutationType"]["fields"]
    }
    assert found == {mutation_name(name) for name in WRITES}
    assert "administer" in NEEDS
    assert stage.callers["admin", "full"].send("GET", PATH).status_code == 405
