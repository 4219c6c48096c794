"""Who may do what: every role, scope and operation, on objects of the caller's project and of another.

The table is the contract's, written by hand; a new operation must be put into it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from api.operation import Operation
from domain.db import Database
from domain.events.models import events
from tests.api.client import BASE, Client, check_problem, document_of
from tests.api.places import METADATA, Places, operations
from tests.factories import LEASE, change_key, make_key, make_project
from tests.support.clock import NOON

ROLES = ("admin", "creator", "reviewer", "viewer")
SCOPES = ("read_only", "project", "full")
# What an operation needs: the roles and the scopes that both grant it.
NEEDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "read": (ROLES, SCOPES),
    "write": (("admin", "creator"), ("project", "full")),
    "work": (("admin", "creator"), ("project", "full")),
    "decide": (("admin", "reviewer"), ("project", "full")),
    "define": (("admin",), ("project", "full")),
    "administer": (("admin",), ("full",)),
}
Body = Callable[[Places, int], dict[str, Any]]


@dataclass(frozen=True)
class Rule:
    """What the contract says of an operation.

    Attributes:
        needs: a name of `NEEDS`.
        where: `path`, it names an object of a project; `body`, the body does; `list`, it shows the objects that the
            caller sees; `studio`, it belongs to no project.
        body: a good one, for the n-th call.
        field: in `body`, what names the project or something in it.
    """

    needs: str
    where: str
    body: Body | None = None
    field: str = ""


def _named(_: Places, number: int) -> dict[str, Any]:
    return {"name": f"Made {number}"}


def _in_project(places: Places, number: int) -> dict[str, Any]:
    return {"name": f"Made {number}", "project_id": places.project["id"]}


def _in_scene(places: Places, number: int) -> dict[str, Any]:
    return {"name": f"Made {number}", "scene_id": places.scene["id"]}


def _described(_: Places, number: int) -> dict[str, Any]:
    return {"description": f"Changed {number}"}


def _decision(_: Places, number: int) -> dict[str, Any]:
    return {"decision": "approved" if number % 2 else "rejected"}


def _webhook(_: Places, number: int) -> dict[str, Any]:
    return {"url": f"https://203.0.114.1/{number}", "event_types": ["*"]}


def _api_key(_: Places, number: int) -> dict[str, Any]:
    return {"name": f"Made {number}", "role": "creator", "scope": "full"}


def _event_type(*_: Any) -> dict[str, Any]:
    return {"event_type": "asset.approved"}


def _replay(*_: Any) -> dict[str, Any]:
    return {"status": "failed"}


def _metadata(_: Places, number: int) -> dict[str, Any]:
    return {f"made_{number}": number}


def _value(_: Places, number: int) -> dict[str, Any]:
    return {"value": number}


def _field_definition(_: Places, number: int) -> dict[str, Any]:
    return {"entity": "scene", "key": f"made_{number}", "type": "integer"}


def _job(places: Places, _: int) -> dict[str, Any]:
    return {"kind": "generate", "target": {"object": "segment", "id": places.segment["id"]}}


def _priority(_: Places, number: int) -> dict[str, Any]:
    return {"priority": number % 100}


def _claim(*_: Any) -> dict[str, Any]:
    return {"worker": "farm-1", "kinds": ["generate"]}


def _lease(*_: Any) -> dict[str, Any]:
    return {"lease_token": LEASE}


def _failure(*_: Any) -> dict[str, Any]:
    return {"lease_token": LEASE, "error": {"code": "broken"}}


def _batch_of_nothing(*_: Any) -> dict[str, Any]:
    return {"atomic": False, "operations": [{"method": "DELETE", "path": "/nonsense"}]}


def _nothing(*_: Any) -> dict[str, Any]:
    return {}


def _graphql(*_: Any) -> dict[str, Any]:
    return {"query": "{ me { id } }"}


def _metadata_rules(noun: str) -> dict[str, Rule]:
    return {
        f"get_{noun}_metadata": Rule("read", "path"),
        f"update_{noun}_metadata": Rule("write", "path", _metadata),
        f"put_{noun}_metadata_key": Rule("write", "path", _value),
        f"delete_{noun}_metadata_key": Rule("write", "path"),
    }


TABLE: dict[str, Rule] = {
    "get_me": Rule("read", "studio"),
    "list_projects": Rule("read", "list"),
    "get_project": Rule("read", "path"),
    "get_project_by_external_id": Rule("read", "path"),
    "create_project": Rule("administer", "studio", _named),
    "update_project": Rule("write", "path", _described),
    "put_project_by_external_id": Rule("write", "elsewhere", _described),
    "list_characters": Rule("read", "list"),
    "list_project_characters": Rule("read", "path"),
    "get_character": Rule("read", "path"),
    "get_character_by_external_id": Rule("read", "path"),
    "create_character": Rule("write", "body", _in_project, "/project_id"),
    "create_project_character": Rule("write", "path", _named),
    "update_character": Rule("write", "path", _described),
    "put_character_by_external_id": Rule("write", "body", _in_project, "/project_id"),
    "archive_character": Rule("write", "path"),
    "list_scenes": Rule("read", "list"),
    "list_project_scenes": Rule("read", "path"),
    "get_scene": Rule("read", "path"),
    "get_scene_by_external_id": Rule("read", "path"),
    "create_scene": Rule("write", "body", _in_project, "/project_id"),
    "create_project_scene": Rule("write", "path", _named),
    "update_scene": Rule("write", "path", _described),
    "put_scene_by_external_id": Rule("write", "body", _in_project, "/project_id"),
    "archive_scene": Rule("write", "path"),
    "list_segments": Rule("read", "list"),
    "list_project_segments": Rule("read", "path"),
    "list_scene_segments": Rule("read", "path"),
    "get_segment": Rule("read", "path"),
    "get_segment_by_external_id": Rule("read", "path"),
    "create_segment": Rule("write", "body", _in_scene, "/scene_id"),
    "create_scene_segment": Rule("write", "path", _named),
    "update_segment": Rule("write", "path", _described),
    "put_segment_by_external_id": Rule("write", "body", _in_scene, "/scene_id"),
    "archive_segment": Rule("write", "path"),
    "list_character_approvals": Rule("read", "path"),
    "decide_character": Rule("decide", "path", _decision),
    "list_scene_approvals": Rule("read", "path"),
    "decide_scene": Rule("decide", "path", _decision),
    "list_segment_approvals": Rule("read", "path"),
    "decide_segment": Rule("decide", "path", _decision),
    "list_jobs": Rule("read", "list"),
    "get_job": Rule("read", "path"),
    "submit_job": Rule("write", "body", _job, "/target/id"),
    "update_job": Rule("write", "path", _priority),
    "cancel_job": Rule("write", "path"),
    "retry_job": Rule("write", "path"),
    "claim_job": Rule("work", "studio", _claim),
    "heartbeat_job": Rule("work", "path", _lease),
    "complete_job": Rule("work", "path", _lease),
    "fail_job": Rule("work", "path", _failure),
    "list_artifacts": Rule("read", "path"),
    "put_artifact": Rule("work", "path"),
    "get_artifact": Rule("read", "path"),
    "get_take": Rule("read", "path"),
    **{f"list_{noun}_takes": Rule("read", "path") for noun in ("character", "scene", "segment")},
    "get_job_kinds": Rule("read", "studio"),
    **{f"list_{noun}_jobs": Rule("read", "path") for noun in ("project", "character", "scene", "segment")},
    "list_metadata": Rule("read", "list"),
    **_metadata_rules("project"),
    **_metadata_rules("character"),
    **_metadata_rules("scene"),
    **_metadata_rules("segment"),
    "list_project_metadata_fields": Rule("read", "path"),
    "get_project_metadata_field": Rule("read", "path"),
    "create_project_metadata_field": Rule("define", "path", _field_definition),
    "update_project_metadata_field": Rule("define", "path", _described),
    "delete_project_metadata_field": Rule("define", "path"),
    "run_batch": Rule("read", "studio", _batch_of_nothing),  # what is in it: see below
    "run_graphql": Rule("read", "studio", _graphql),  # what is in it: see test_graphql_permissions.py
    "list_webhooks": Rule("administer", "studio"),
    "create_webhook": Rule("administer", "studio", _webhook),
    "get_webhook": Rule("administer", "studio"),
    "update_webhook": Rule("administer", "studio", _described),
    "rotate_webhook_secret": Rule("administer", "studio"),
    "test_webhook": Rule("administer", "studio", _event_type),
    "list_webhook_deliveries": Rule("administer", "studio"),
    "get_delivery": Rule("administer", "studio"),
    "get_event_types": Rule("read", "studio"),
    "get_event_type": Rule("read", "studio"),
    "list_events": Rule("read", "list"),
    "get_event": Rule("read", "path"),
    "stream_events": Rule("read", "studio"),
    "put_event_cursor": Rule("read", "studio", _nothing),
    "list_event_cursors": Rule("read", "studio"),
    "get_event_cursor": Rule("read", "studio"),
    "delete_event_cursor": Rule("read", "studio"),
    "retry_delivery": Rule("administer", "studio"),
    "replay_webhook": Rule("administer", "studio", _replay),
    "list_webhook_replays": Rule("administer", "studio"),
    "get_replay": Rule("administer", "studio"),
    "cancel_replay": Rule("administer", "studio"),
    "delete_webhook": Rule("administer", "studio"),  # after all that happens to it
    "list_api_keys": Rule("administer", "studio"),
    "create_api_key": Rule("administer", "studio", _api_key),
    "get_api_key": Rule("administer", "studio"),
    "update_api_key": Rule("administer", "studio", _described),
    "rotate_api_key": Rule("administer", "studio"),
    "suspend_api_key": Rule("administer", "studio"),
    "resume_api_key": Rule("administer", "studio"),
    "revoke_api_key": Rule("administer", "studio"),
    "delete_api_key": Rule("administer", "studio"),
    "list_audit": Rule("administer", "studio"),
    "export_audit": Rule("administer", "studio"),
    "archive_project": Rule("write", "path"),  # after all that happens in it
}
_numbers = itertools.count(1)


class Stage:
    """Two projects, and a key of every role and scope; those of scope `project` hold the first alone."""

    def __init__(self, app: Flask, database: Database) -> None:
        self.app, self.database = app, database
        self.projects = {name: make_project(database, metadata=METADATA) for name in ("own", "foreign")}
        own = [self.projects["own"]["id"]]
        self.callers = {
            (role, scope): Client(app, make_key(database, role, scope, own if scope == "project" else []))
            for role in ROLES
            for scope in SCOPES
        }

    def places(self) -> dict[str, Places]:
        """New objects in both."""
        return {name: Places(self.database, project) for name, project in self.projects.items()}

    def options(self, operation: Operation, places: Places) -> tuple[str, dict[str, Any]]:
        """The path and the options of `Client.send` for a good call."""
        if operation.uploads:
            file = {"data": b"frame", "content_type": "image/png", "headers": {"Lease-Token": LEASE}}
            return places.path(operation.rule), file
        body = TABLE[operation.id].body
        return places.path(operation.rule), {"json": body(places, next(_numbers))} if body else {}

    def send(self, caller: Client, operation: Operation, places: Places) -> TestResponse:
        """A good call, which must have no event unless it succeeds."""
        path, options = self.options(operation, places)
        before = self.count_events()
        response = caller.send(operation.method, path, **options)
        assert response.status_code < 300 or self.count_events() == before, f"a refused {operation.id} had an effect"
        return response

    def count_events(self) -> int:
        with self.database.reading() as session:
            return int(session.execute(select(func.count()).select_from(events)).scalar_one())


@pytest.fixture
def stage(app: Flask, database: Database) -> Stage:
    return Stage(app, database)


def registered() -> dict[str, Operation]:
    return {operation.id: operation for operation in operations()}


def test_the_table_names_every_operation() -> None:
    assert set(TABLE) == set(registered())
    assert len(operations()) == len(registered())


def cases() -> Iterator[tuple[str, str, str, str]]:
    """Operation, role, scope, and whose project it is about."""
    for operation_id, rule in TABLE.items():
        places = ("own",) if rule.where == "studio" else ("own", "foreign")
        yield from itertools.product((operation_id,), ROLES, SCOPES, places)


def expected(rule: Rule, role: str, scope: str, place: str) -> tuple[int, str]:
    """Status and field; 200 stands for any answer of an operation that was allowed."""
    roles, scopes = NEEDS[rule.needs]
    hidden = place == "foreign" and scope == "project"
    if hidden and rule.where == "path":
        return 404, ""
    if role not in roles or scope not in scopes:
        return 403, ""
    if hidden and rule.where == "body":
        return 422, rule.field
    # What the caller does not see it would make anew, which for a project takes an admin of the whole studio.
    return (403, "") if hidden and rule.where == "elsewhere" else (200, "")


def test_every_role_and_scope_may_do_what_the_contract_says(stage: Stage) -> None:
    known, wrong, done = registered(), [], set()
    for operation_id, group in itertools.groupby(cases(), lambda case: case[0]):
        operation, places = known[operation_id], stage.places()
        for _, role, scope, place in group:
            response = stage.send(stage.callers[role, scope], operation, places[place])
            wanted = expected(TABLE[operation_id], role, scope, place)
            if response.status_code >= 400:
                check_problem(response)
            if (_outcome(response.status_code), _field(response.json)) != wanted:
                wrong.append((operation_id, role, scope, place, wanted, response.status_code, response.text[:300]))
            if response.status_code < 300:
                done.add(operation_id)
    assert not wrong, "\n".join(map(str, wrong))
    assert done == set(TABLE), "these never succeeded"


def _outcome(status: int) -> int:
    """The status; 200 when what remains to be said against the call is not about its caller."""
    return 200 if status < 300 or status == 409 else status


def _field(document: Any) -> str:
    return ",".join(error["field"] for error in (document or {}).get("errors", ()))


def test_a_batch_may_do_what_each_call_may(stage: Stage) -> None:
    """Of what changes the studio; the rest is in no batch."""
    known, wrong, done = registered(), [], set()
    chosen = {name for name, rule in TABLE.items() if rule.needs in ("write", "decide", "define")} | {"create_project"}
    for operation_id, group in itertools.groupby(cases(), lambda case: case[0]):
        operation, places = known[operation_id], stage.places()
        for _, role, scope, place in group if operation_id in chosen else ():
            path, options = stage.options(operation, places[place])
            one = {"method": operation.method, "path": path.removeprefix(BASE), "body": options.get("json")}
            response = stage.callers[role, scope].send("POST", "/batch", json={"atomic": False, "operations": [one]})
            assert response.status_code == 200, response.text
            (result,) = document_of(response)["data"]
            wanted = expected(TABLE[operation_id], role, scope, place)
            if (_outcome(result["status"]), _field(result["body"])) != wanted:
                wrong.append((operation_id, role, scope, place, wanted, result))
            if result["status"] < 300:
                done.add(operation_id)
    assert not wrong, "\n".join(map(str, wrong))
    assert done == chosen


def test_lists_show_what_the_caller_sees(stage: Stage) -> None:
    places = stage.places()
    for operation in operations():
        if TABLE[operation.id].where != "list":
            continue
        noun = {"/metadata": "character"}.get(operation.rule, operation.rule.strip("/").removesuffix("s"))
        ids = {name: getattr(place, noun)["id"] for name, place in places.items()}
        for (role, scope), caller in stage.callers.items():
            found = {row["id"] for row in caller.get(operation.rule, limit=200).data}
            assert found & set(ids.values()) == ({ids["own"]} if scope == "project" else set(ids.values())), role


def test_nothing_is_done_without_a_key_in_force(app: Flask, stage: Stage) -> None:
    database, places = stage.database, stage.places()["own"]
    keys = {reason: make_key(database) for reason in ("suspended", "revoked", "expired")}
    change_key(database, keys["suspended"].id, suspended_at=NOON)
    change_key(database, keys["revoked"].id, revoked_at=NOON)
    change_key(database, keys["expired"].id, expires_at=NOON - timedelta(seconds=1))
    addresses = (f"198.51.100.{number}" for number in range(1, 255))
    for operation in operations():
        address = next(addresses)
        for reason, key in (("missing", None), *keys.items()):
            response = stage.send(Client(app, key, address), operation, places)
            assert response.status_code == 401, (operation.id, reason)
            assert (response.json or {})["type"] == f"/problems/key-{reason}"
            assert "WWW-Authenticate" in response.headers


def test_a_segment_cannot_be_moved_into_a_foreign_project(stage: Stage) -> None:
    places = stage.places()
    path = places["own"].path("/segments/<id>")
    for scope in ("project", "full"):
        response = stage.callers["creator", scope].send("PATCH", path, json={"scene_id": places["foreign"].scene["id"]})
        assert (response.status_code, _field(response.json)) == (422, "/scene_id")


def test_an_object_cannot_be_given_to_another_project(stage: Stage) -> None:
    places = stage.places()
    for rule in ("/characters/<id>", "/scenes/<id>", "/segments/<id>"):
        for name in ("project_id", "id", "object", "version", "created_at"):
            given = {name: places["foreign"].project["id"]}
            response = stage.callers["admin", "full"].send("PATCH", places["own"].path(rule), json=given)
            assert (response.status_code, _field(response.json)) == (422, f"/{name}")


def test_strict_metadata_is_for_who_may_define_fields(stage: Stage) -> None:
    """Whatever else is wrong with the call: permission comes before the fields."""
    path = stage.places()["own"].path("/projects/<id>")
    for (role, scope), caller in stage.callers.items():
        response = caller.send("PATCH", path, json={"strict_metadata": role == "admin", "name": ""})
        if role == "admin":
            assert response.status_code == (403 if scope == "read_only" else 422)
        elif role == "creator" and scope != "read_only":
            unchanged, changed = ({"strict_metadata": value, "description": role} for value in (False, True))
            assert caller.send("PATCH", path, json=unchanged).status_code == 200
            assert caller.send("PATCH", path, json={**changed, "name": ""}).status_code == 403
