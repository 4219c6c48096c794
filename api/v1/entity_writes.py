"""What the four nouns of the studio share at this door: their writes, and the reads by external id."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema

from domain.access import Permission
from domain.db import Row
from domain.entities import Kind, represent
from domain.entity_commands import archive, change, put_by_external_id
from domain.entity_creation import create
from domain.errors import NotFound
from domain.external_ids.queries import find_by_external_id
from domain.studio import BY_OBJECT

from ..answers import Answer, created, etag_of, one
from ..blueprint import Blueprint
from ..call import Call
from ..preconditions import expected_versions, only_new
from .entity_inputs import derived


def register_writes(
    blueprint: Blueprint, kind: Kind, schema: type[Schema], new: type[Schema], changes: type[Schema]
) -> None:
    """POST to the list and to the lists nested under its parents, PATCH, DELETE, and GET and PUT by external id."""
    _register_creation(blueprint, kind, schema, new)
    _register_change(blueprint, kind, schema, changes)
    _register_by_external_id(blueprint, kind, schema, new)


def shown_new(kind: Kind, row: Row) -> Answer:
    """The answer to a creation."""
    return created(represent(kind, row), f"/api/v1/{kind.plural}/{row['id']}", etag=etag_of(row))


def _shown(kind: Kind, row: Row) -> Answer:
    return one(represent(kind, row), etag=etag_of(row))


def _register_creation(blueprint: Blueprint, kind: Kind, schema: type[Schema], new: type[Schema]) -> None:
    permission = Permission.CREATE_PROJECT if kind.object == "project" else Permission.WRITE

    def post(call: Call, body: dict[str, Any]) -> Answer:
        return shown_new(kind, create(call.session, call.context, kind, body))

    post.__doc__ = f"Create a {kind.object}."
    blueprint.operation(
        "POST", f"/{kind.plural}", id=f"create_{kind.object}", permission=permission, returns=schema, body=new,
        status=201, creates=kind,
    )(post)  # fmt: skip
    for parent, column in kind.parents:
        if column in new().fields:
            _register_nested(blueprint, kind, schema, new, BY_OBJECT[parent], column)


def _register_nested(
    blueprint: Blueprint, kind: Kind, schema: type[Schema], new: type[Schema], parent: Kind, column: str
) -> None:
    def post(call: Call, body: dict[str, Any]) -> Answer:
        return shown_new(kind, create(call.session, call.context, kind, {**body, column: call.target["id"]}))

    post.__doc__ = f"Create a {kind.object} in a {parent.object}."
    body = derived(new, f"New{parent.object.title()}", column)
    blueprint.operation(
        "POST", f"/{parent.plural}/<id>/{kind.plural}", id=f"create_{parent.object}_{kind.object}",
        permission=Permission.WRITE, loads=parent, returns=schema, body=body, status=201,
    )(post)  # fmt: skip


def _register_change(blueprint: Blueprint, kind: Kind, schema: type[Schema], changes: type[Schema]) -> None:
    def patch(call: Call, body: dict[str, Any]) -> Answer:
        expected = expected_versions(call)
        return _shown(kind, change(call.session, call.context, kind, call.target, body, expected))

    def delete(call: Call) -> Answer:
        expected = expected_versions(call)
        return _shown(kind, archive(call.session, call.context, kind, call.target, expected))

    patch.__doc__ = f"Change fields of a {kind.object}; `external_ids` and `metadata` are merged (RFC 7386)."
    delete.__doc__ = f"Archive a {kind.object}. Nothing is deleted."
    rule = f"/{kind.plural}/<id>"
    blueprint.operation(
        "PATCH", rule, id=f"update_{kind.object}", permission=Permission.WRITE, loads=kind, returns=schema,
        body=changes,
    )(patch)  # fmt: skip
    blueprint.operation(
        "DELETE", rule, id=f"archive_{kind.object}", permission=Permission.WRITE, loads=kind, returns=schema
    )(delete)


def _register_by_external_id(blueprint: Blueprint, kind: Kind, schema: type[Schema], new: type[Schema]) -> None:
    rule = f"/{kind.plural}/by-external/<system>/<external_id>"

    def get(call: Call, system: str, external_id: str) -> Answer:
        found = find_by_external_id(call.session, call.actor, kind, system, external_id)
        if found is None:
            raise NotFound(f"{system[:40]} calls no {kind.object} {external_id[:200]!r} that this caller can see.")
        return _shown(kind, kind.load(call.session, call.actor, found))

    def put(call: Call, body: dict[str, Any], system: str, external_id: str) -> Answer:
        row, is_new = put_by_external_id(
            call.session, call.context, kind, system, external_id, body, expected_versions(call),
            only_new=only_new(call),
        )  # fmt: skip
        return shown_new(kind, row) if is_new else _shown(kind, row)

    get.__doc__ = f"Get a {kind.object} by its id in another system."
    put.__doc__ = f"Change the {kind.object} that another system calls so, or create it."
    blueprint.operation(
        "GET", rule, id=f"get_{kind.object}_by_external_id", permission=Permission.READ, returns=schema
    )(get)
    blueprint.operation(
        "PUT", rule, id=f"put_{kind.object}_by_external_id", permission=Permission.WRITE, returns=schema,
        body=derived(new, "Put"), also_status=201,
    )(put)  # fmt: skip
