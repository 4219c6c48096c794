"""What the four nouns of the studio share at this door: their reads."""

from __future__ import annotations

from marshmallow import Schema, fields
from sqlalchemy import select

from domain.access import Permission
from domain.entities import ASSET_STATUSES, Kind, represent, visible
from domain.listing import fetch, parse
from domain.studio import BY_OBJECT

from ..answers import Answer, etag_of, many, one
from ..blueprint import Blueprint
from ..call import Call
from ..schemas import AnswerSchema


class ObjectSchema(AnswerSchema):
    """What every object has."""

    id = fields.String(required=True, metadata={"description": "Sorts by creation."})
    object = fields.String(required=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True, metadata={"description": "Goes up with every change."})


class EntitySchema(ObjectSchema):
    """What projects, characters, scenes and segments have."""

    name = fields.String(required=True)
    code = fields.String(required=True, metadata={"description": "A short name, unique in its project."})
    description = fields.String(required=True)
    external_ids = fields.Dict(
        keys=fields.String(), values=fields.String(), required=True,
        metadata={"description": "Ids in other systems, such as `shotgrid` or `kitsu`."},
    )  # fmt: skip
    metadata = fields.Dict(keys=fields.String(), values=fields.Raw(), required=True)


class AssetSchema(EntitySchema):
    """What characters, scenes and segments have."""

    project_id = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": list(ASSET_STATUSES)})


def register_reads(blueprint: Blueprint, kind: Kind, schema: type[Schema]) -> None:
    """GET of one, GET of the list, and GET of the lists nested under its parents."""

    def get_one(call: Call) -> Answer:
        return one(represent(kind, call.target), etag=etag_of(call.target))

    def get_list(call: Call) -> Answer:
        query = parse(kind.listing, call.query)
        page = fetch(call.session, query, select(kind.table).where(*visible(call.actor, kind)))
        return many([represent(kind, row) for row in page.rows], page)

    get_one.__doc__ = f"Get one {kind.object}."
    get_list.__doc__ = f"List {kind.plural}."
    blueprint.operation(
        "GET", f"/{kind.plural}/<id>", id=f"get_{kind.object}", permission=Permission.READ, returns=schema, loads=kind
    )(get_one)
    blueprint.operation(
        "GET", f"/{kind.plural}", id=f"list_{kind.plural}", permission=Permission.READ, returns=schema,
        listing=kind.listing,
    )(get_list)  # fmt: skip
    for parent, column in kind.parents:
        _register_nested(blueprint, kind, schema, BY_OBJECT[parent], column)


def _register_nested(blueprint: Blueprint, kind: Kind, schema: type[Schema], parent: Kind, column: str) -> None:
    def get_nested(call: Call) -> Answer:
        query = parse(kind.listing, call.query)
        page = fetch(call.session, query, select(kind.table).where(kind.table.c[column] == call.target["id"]))
        return many([represent(kind, row) for row in page.rows], page)

    get_nested.__doc__ = f"List the {kind.plural} of a {parent.object}."
    blueprint.operation(
        "GET",
        f"/{parent.plural}/<id>/{kind.plural}",
        id=f"list_{parent.object}_{kind.plural}",
        permission=Permission.READ,
        returns=schema,
        loads=parent,
        listing=kind.listing,
    )(get_nested)
