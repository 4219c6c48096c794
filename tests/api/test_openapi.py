"""The generated document: valid, complete, and true of what is answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import orjson
import pytest
from flask import Flask
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.admission import PREFIX, PUBLIC
from api.problem_kinds import PROBLEMS
from api.problems import CONTENT_TYPE
from api.reference.problems import problem_name
from api.routing import template_of
from config import ROOT
from domain.access import Permission
from domain.characters.models import CHARACTERS
from domain.db import Database
from domain.deliveries.recording import Attempt, Outcome, record
from domain.scenes.models import SCENES
from domain.segments.models import SEGMENTS
from tests.api.client import document_of
from tests.api.conftest import Cast
from tests.factories import (
    LEASE,
    make_approval,
    make_character,
    make_event,
    make_job,
    make_key,
    make_scene,
    make_segment,
    make_take,
    make_webhook,
)
from tests.support.claiming import claim_due
from tests.support.clock import NOON
from tests.support.schemas import closed

SOMETIMES = {"Link", "Idempotency-Replayed", "Deprecation", "Sunset"}
# A worker that asks again wants another job.
UNRECORDED = ("/api/v1/jobs/claim",)
METHODS = ("get", "post", "put", "patch", "delete")
DOCUMENTS = ("/openapi.json", "/api/v1/openapi.json")


@pytest.fixture(scope="session")
def document(shared_app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(shared_app.test_client().get("/openapi.json").data)
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation of each."""
    for path, item in document["paths"].items():
        yield from ((path, method, item[method]) for method in METHODS if method in item)


@pytest.mark.parametrize("path", DOCUMENTS)
def test_it_works(app: Flask, path: str) -> None:
    response = app.test_client().get(path)
    assert (response.status_code, response.content_type) == (200, "application/json")
    assert document_of(response)["openapi"] == "3.1.0"
    assert document_of(response) == document_of(app.test_client().get("/openapi.json"))


def test_it_is_valid(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()


@pytest.mark.parametrize("path", ["/docs", "/api/v1/docs"])
def test_its_page_takes_nothing_from_elsewhere(app: Flask, path: str) -> None:
    response = app.test_client().get(path)
    assert response.status_code == 200
    assert "http://" not in response.text
    assert "https://" not in response.text
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy


def test_it_holds_every_route(app: Flask, document: dict[str, Any]) -> None:
    """But for those that need no key: the document itself and its page."""
    held = {(path, method) for path, method, _ in operations(document)}
    routed = {
        (template_of(rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(PREFIX) and rule.rule not in PUBLIC
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert held == routed


def test_every_operation_says_what_it_takes_and_answers(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert all(ids)
    assert len(ids) == len(set(ids))
    assert document["security"] == [{"bearer": []}, {"header": []}]
    for path, method, operation in operations(document):
        keyless = operation.get("security") == []
        assert keyless or operation["x-permission"] in list(Permission)
        assert operation["summary"]
        assert operation["tags"]
        assert operation["description"].startswith(operation["summary"])
        codes = set(operation["responses"])
        assert codes >= {"400", "413", "429", "500", "503"}
        assert (codes >= {"401", "403", "414"}) != keyless
        assert ("404" in codes) == ("{" in path)
        assert (codes >= {"409", "422"}) == (method != "get" and not keyless and path not in UNRECORDED)
        assert ("415" in codes) == ("requestBody" in operation)
        successes = codes & {"200", "201", "202", "206"}  # 204 has nothing to show
        assert successes
        for answer in (operation["responses"][success] for success in successes):
            if path.endswith("/export"):
                assert answer["content"].keys() == {"application/x-ndjson", "text/csv"}
            elif path.endswith("/stream"):
                assert answer["content"].keys() == {"text/event-stream"}
            elif path.endswith("/{artifact_name}") and method == "get":
                assert answer["content"].keys() == {"application/octet-stream", "*/*"}
            else:
                assert answer["content"]["application/json"]["schema"]["$ref"].startswith("#/components/schemas/")
            assert answer["headers"].keys() >= {"X-Request-Id", "X-RateLimit-Limit", "RateLimit", "RateLimit-Policy"}
        for code in codes - successes - {"204", "304"}:
            assert operation["responses"][code] == {"$ref": f"#/components/responses/{problem_name(int(code))}"}


def test_every_parameter_is_described(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        found = {parameter.get("name", parameter.get("$ref", "")) for parameter in operation["parameters"]}
        refs = {name.rpartition("/")[2] for name in found}
        assert refs >= set(re.findall(r"\{(\w+)\}", path))
        keyless = operation.get("security") == [] or path in UNRECORDED
        assert refs >= {"X-Request-Id", *(["Idempotency-Key"] if method != "get" and not keyless else [])}
        carries_tag = any("ETag" in answer.get("headers", {}) for answer in operation["responses"].values())
        assert ("If-None-Match" in refs) == (
            carries_tag and (method == "get" or (method == "put" and "by-external" in path))
        )
        assert ("If-Match" in refs) == (carries_tag and method in ("patch", "put", "delete"))
        assert ("412" in operation["responses"]) == ("If-Match" in refs)
        assert all("description" in parameter for parameter in operation["parameters"] if "$ref" not in parameter)


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of the document but examples."""
    if isinstance(value, dict):
        yield value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in inner:
        if name not in ("example", "examples", "default"):
            yield from nodes(item)


def test_every_enumeration_has_a_name(document: dict[str, Any]) -> None:
    named = [schema["enum"] for schema in document["components"]["schemas"].values() if "enum" in schema]
    for node in nodes(document):
        if isinstance(node.get("enum"), list):
            assert node["enum"] in named or len(node["enum"]) <= 3, (
                f"give it a name in api/reference/enumerations.py: {node}"
            )


def test_every_example_is_true(document: dict[str, Any]) -> None:
    """Each fits its schema, with no member more, and none of its members is empty for want of an example."""
    components = closed(document["components"])
    seen = 0
    for node in nodes(document):
        for media_type in ("application/json", CONTENT_TYPE):
            content = node.get(media_type)
            if not isinstance(content, dict):
                continue
            validator = Draft202012Validator({"components": components, **content["schema"]})
            for example in content["examples"].values():
                validator.validate(example["value"])
                seen += 1
    assert seen > len(PROBLEMS)


def test_every_problem_has_an_example(document: dict[str, Any]) -> None:
    """But for a method that is not allowed: no operation can answer that."""
    shown = [
        example["value"]["type"]
        for response in document["components"]["responses"].values()
        for example in response["content"][CONTENT_TYPE]["examples"].values()
    ]
    used = {f"/problems/{slug}" for slug, kind in PROBLEMS.items() if str(kind.status) in all_codes(document)}
    assert set(shown) == used


def all_codes(document: dict[str, Any]) -> set[str]:
    return {code for _, _, operation in operations(document) for code in operation["responses"]}


def test_the_committed_document_is_this_one(document: dict[str, Any]) -> None:
    committed = orjson.loads((ROOT / "openapi.json").read_bytes())
    assert committed == document, "openapi.json is out of date: run `make openapi` and commit it"


def test_every_list_tells_its_parameters(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        if operation["operationId"].startswith("list_"):
            names = {(p.get("name") or p["$ref"].rpartition("/")[2]) for p in operation["parameters"]}
            feed = path == f"{PREFIX}/events"  # which has one order
            assert names >= ({"limit", "after", "wait"} if feed else {"limit", "cursor", "sort"}), path


def test_it_names_every_problem(document: dict[str, Any]) -> None:
    named = document["components"]["schemas"]["ProblemType"]["enum"]
    assert named == [f"/problems/{slug}" for slug in PROBLEMS]


@pytest.mark.parametrize("slug", PROBLEMS)
def test_every_problem_has_a_page(app: Flask, slug: str) -> None:
    response = app.test_client().get(f"/problems/{slug}")
    assert response.status_code == 200
    kind = PROBLEMS[slug]
    shown = unescape(response.text)
    assert kind.title in shown
    assert kind.advice.count("`") % 2 == 0
    assert not re.search(r"\w- |  | $", kind.advice)
    for part in kind.advice.split("`"):
        assert part in shown


def test_there_is_no_page_of_an_unknown_problem(app: Flask) -> None:
    assert app.test_client().get("/problems/nonsense").status_code == 404


def test_answers_have_the_fields_that_it_promises(cast: Cast, database: Database, document: dict[str, Any]) -> None:
    """Each operation once with its own example, its answer against its schema, with no member more than is promised."""
    ids = made_of_each(cast, database)
    components = closed(document["components"])
    order = ("put", "patch", "post", "get", "delete")
    for number, (path, method, operation) in enumerate(sorted(operations(document), key=lambda it: order.index(it[1]))):
        options = {}
        if operation["operationId"] == "put_artifact":
            options = {"data": b"frame", "content_type": "image/png", "headers": {"Lease-Token": LEASE}}
        elif "requestBody" in operation:
            options = {"json": from_example(operation, ids, number)}
        caller = cast.nobody if operation.get("security") == [] else cast.admin
        answer = caller.call(method.upper(), filled(path, ids), **options)
        assert answer.status < 300, (operation["operationId"], answer.response.text)
        promised = operation["responses"][str(answer.status)]
        carried = {name for name, _ in answer.response.headers}
        assert promised["headers"].keys() >= {"ETag", "Location"} & carried, operation["operationId"]
        assert carried >= promised["headers"].keys() - SOMETIMES, operation["operationId"]
        if path.endswith(("/export", "/stream")):
            assert answer.response.content_type in promised["content"]
            continue
        if "*/*" in promised["content"]:
            assert answer.response.data == b"frame"
            continue
        schema = promised["content"]["application/json"]["schema"]
        Draft202012Validator({"components": components, **schema}).validate(answer.document)
        assert answer.data, f"{operation['operationId']} was tried on nothing"


def from_example(operation: dict[str, Any], ids: dict[str, str], number: int) -> Any:
    """The operation's example of a body, with ids that exist, and with names that are not taken."""
    (example,) = operation["requestBody"]["content"]["application/json"]["examples"].values()
    by_prefix = {made[:3]: made for made in ids.values()}
    text = orjson.dumps(example["value"]).decode()
    body = orjson.loads(re.sub(r"([a-z]{3})_[0-9a-z]{26}", lambda found: by_prefix[found[1]], text))
    if "code" in body:
        body |= {"code": f"{body['code']}-{number}", "external_ids": {"shotgrid": str(number)}}
    if "cursor" in body:
        del body["cursor"]  # of a feed that goes further
    if "url" in body:
        body["url"] = "https://93.184.216.34/"  # a name would be looked up
    if "lease_token" in body:
        body["lease_token"] = LEASE
    return body


def made_of_each(cast: Cast, database: Database) -> dict[str, str]:
    """An id for every path that names an object, by the path's beginning, with something in each of its lists."""
    hook = make_webhook(database, project_ids=[cast.project["id"]])
    made = {"webhooks": hook.id, "projects": cast.project["id"], "api-keys": make_key(database).id}
    character, scene = make_character(database, cast.project, metadata={"a": [1]}), make_scene(database, cast.project)
    for kind, asset in ((CHARACTERS, character), (SCENES, scene), (SEGMENTS, make_segment(database, scene))):
        make_approval(database, kind, asset, "rejected")
        made[kind.plural] = asset["id"]
        make_job(database, asset)
        made["takes"] = make_take(database, make_job(database, asset, status="succeeded"))["id"]
    made |= {
        f"jobs/{step}": make_job(database, scene, status="running")["id"] for step in ("heartbeat", "complete", "fail")
    }
    running = make_job(database, scene, status="running")
    made["jobs/frame.png"] = made["jobs/artifacts"] = running["id"]
    made |= {"jobs/retry": make_job(database, scene, status="failed")["id"], "jobs": make_job(database, scene)["id"]}
    defined = {"entity": "scene", "key": "weather", "type": "integer"}
    made["fields"] = cast.admin.post(f"/projects/{cast.project['id']}/metadata-fields", defined).data["id"]
    made["deliveries"] = cast.admin.post(f"/webhooks/{hook.id}/test", {}).data["id"]
    other = make_webhook(database, project_ids=[cast.project["id"]])
    made["replays"] = cast.admin.post(f"/webhooks/{other.id}/replay", {}).data["id"]
    made["events"] = make_event(database, "scene.created", cast.project["id"])
    with database.transaction() as session:
        attempts = [Attempt(claimed, NOON, 1, 200, None, "") for claimed in claim_due(session, NOON, 9)]
        record(session, [Outcome(attempt, "delivered", NOON) for attempt in attempts], NOON)
    return made


def filled(path: str, ids: dict[str, str]) -> str:
    """The path with the ids that it asks for."""
    noun = path.removeprefix(f"{PREFIX}/").partition("/")[0]
    named = {"{system}": "kitsu", "{external_id}": "a 7", "{key}": "notes", "{field_id}": ids["fields"]}
    named |= {"{event_type}": "asset.approved", "{cursor_name}": "nightly-sync", "{artifact_name}": "frame.png"}
    for name, value in named.items():
        path = path.replace(name, value)
    return re.sub(r"\{\w+\}", ids.get(f"{noun}/{path.rpartition('/')[2]}", ids.get(noun, "")), path)


def test_problems_have_the_fields_that_it_promises(cast: Cast, document: dict[str, Any]) -> None:
    components = closed(document["components"])
    schema = Draft202012Validator({"components": components, "$ref": "#/components/schemas/Problem"})
    answers = [
        cast.nobody.get("/projects"),
        cast.viewer.get("/nonsense"),
        cast.viewer.get("/projects", limit=0),
        cast.admin.post("/webhooks", {}),
    ]
    for answer in answers:
        schema.validate(answer.document)
