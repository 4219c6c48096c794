"""What the four nouns of the studio share at this door: their reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from marshmallow import Schema, fields
from sqlalchemy import bindparam

from domain.access import Permission
from domain.entities import ASSET_STATUSES, Kind, Listed, listed, listed_within, represent, within_values
from domain.shape import shape_of_one, shaped
from domain.studio import BY_OBJECT

from ..answers import Answer, etag_of, one
from ..blueprint import Blueprint
from ..call import Call
from ..lists import answer_list
from ..operation import Quick
from ..schemas import AnswerSchema, id_field, integer_field, moment_field, text_field, texts_by_name_field, word_field

LEAST_INTEGER = -(2**31) + 1


class ObjectSchema(AnswerSchema):
    """What every object has; `id` and `object` are each one's own."""

    created_at = moment_field()
    updated_at = moment_field()
    version = integer_field(3, "Goes up with every change.", least=1)


class EntitySchema(ObjectSchema):
    """What projects, characters, scenes and segments have."""

    name = text_field("Mara Voss")
    code = text_field("mara-voss", "A short name, unique in its project.")
    description = text_field("Lighthouse keeper, 34, never without her brass compass.")
    external_ids = texts_by_name_field({"shotgrid": "1042"}, "Ids in other systems, such as `shotgrid` or `kitsu`.")
    metadata = fields.Dict(
        keys=fields.String(), values=fields.Raw(), required=True,
        metadata={"description": "What the studio keeps of it.", "example": {"costume": "oilskin"}},
    )  # fmt: skip


class AssetSchema(EntitySchema):
    """What characters, scenes and segments have."""

    project_id = id_field("prj")
    status = word_field(ASSET_STATUSES)


def register_reads(blueprint: Blueprint, kind: Kind, schema: type[Schema]) -> None:
    """GET of one, GET of the list, and GET of the lists nested under its parents."""
    show = partial(represent, kind)
    everything = listed(kind)

    def get_one(call: Call) -> Answer:
        shape = shape_of_one(kind.listing, call.query)
        (data,) = shaped(call.session, kind.listing, shape, [call.target], show)
        return one(data, etag=etag_of(call.target, None if shape.is_whole else data))

    def get_list(call: Call) -> Answer:
        seen = call.actor.project_ids
        if seen is None:
            return _answer(call, kind, everything)
        return _answer(call, kind, listed_within(kind, len(seen)), seen, within_values(seen))

    get_one.__doc__ = f"Get one {kind.object}."
    get_list.__doc__ = f"List {kind.plural}."
    blueprint.operation(
        "GET", f"/{kind.plural}/<id>", id=f"get_{kind.object}", permission=Permission.READ, returns=schema, loads=kind,
        shape=kind.listing, quick=Quick.ONE,
    )(get_one)  # fmt: skip
    blueprint.operation(
        "GET", f"/{kind.plural}", id=f"list_{kind.plural}", permission=Permission.READ, returns=schema,
        listing=kind.listing, quick=Quick.PAGE,
    )(get_list)  # fmt: skip
    for parent, column in kind.parents:
        _register_nested(blueprint, kind, schema, BY_OBJECT[parent], column)


def _answer(
    call: Call,
    kind: Kind,
    chosen: Listed,
    project_ids: Collection[str] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Answer:
    return answer_list(call, kind.listing, chosen.statement, chosen.show, project_ids, values, chosen.document)


def _register_nested(blueprint: Blueprint, kind: Kind, schema: type[Schema], parent: Kind, column: str) -> None:
    below = listed(kind).where(kind.table.c[column] == bindparam("parent_id"))

    def get_nested(call: Call) -> Answer:
        seen = [call.target[parent.listing.project_field]]
        return _answer(call, kind, below, seen, {"parent_id": call.target["id"]})

    get_nested.__doc__ = f"List the {kind.plural} of a {parent.object}."
    blueprint.operation(
        "GET",
        f"/{parent.plural}/<id>/{kind.plural}",
        id=f"list_{parent.object}_{kind.plural}",
        permission=Permission.READ,
        returns=schema,
        loads=parent,
        listing=kind.listing,
        quick=Quick.PAGE,
    )(get_nested)
