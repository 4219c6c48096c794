"""Metadata of one entity: all of it, a merge of some keys, or one key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.access import Permission
from domain.db import Row
from domain.entities import Kind
from domain.entity_commands import change
from domain.errors import NotFound
from domain.metadata.queries import ENTITIES, entities_seen_by, represent_entity
from domain.metadata.rules import Replacement
from domain.studio import KINDS

from ...answers import Answer, etag_of, one
from ...blueprint import Blueprint
from ...call import Call
from ...lists import answer_list
from ...preconditions import expected_versions
from .schemas import EntityMetadataSchema, MetadataPatchSchema, MetadataSchema, MetadataValueSchema

blueprint = Blueprint("metadata", __name__, description="What productions know of their entities, by key.")


def _shown(row: Row) -> Answer:
    return one(row["metadata"], etag=etag_of(row))


def _changed(call: Call, kind: Kind, patch: Mapping[str, Any]) -> Answer:
    expected = expected_versions(call)
    return _shown(change(call.session, call.context, kind, call.target, {"metadata": patch}, expected))


def _register(kind: Kind) -> None:
    rule = f"/{kind.plural}/<id>/metadata"

    def get(call: Call) -> Answer:
        return _shown(call.target)

    def patch(call: Call, body: dict[str, Any]) -> Answer:
        return _changed(call, kind, body)

    get.__doc__ = f"Get the metadata of a {kind.object}."
    patch.__doc__ = f"Change metadata of a {kind.object} key by key: what another writes to other keys stays."
    blueprint.operation(
        "GET", rule, id=f"get_{kind.object}_metadata", permission=Permission.READ, loads=kind, returns=MetadataSchema
    )(get)
    blueprint.operation(
        "PATCH", rule, id=f"update_{kind.object}_metadata", permission=Permission.WRITE, loads=kind,
        returns=MetadataSchema, body=MetadataPatchSchema,
    )(patch)  # fmt: skip
    _register_key(kind, f"{rule}/<key>")


def _register_key(kind: Kind, rule: str) -> None:
    def put(call: Call, body: dict[str, Any], key: str) -> Answer:
        return _changed(call, kind, {key: Replacement(body["value"])})

    def delete(call: Call, key: str) -> Answer:
        if key not in call.target["metadata"]:
            raise NotFound(f"This {kind.object} has no metadata {key[:60]!r}.")
        return _changed(call, kind, {key: None})

    put.__doc__ = f"Set one key of the metadata of a {kind.object}."
    delete.__doc__ = f"Remove one key of the metadata of a {kind.object}."
    blueprint.operation(
        "PUT", rule, id=f"put_{kind.object}_metadata_key", permission=Permission.WRITE, loads=kind,
        returns=MetadataSchema, body=MetadataValueSchema,
    )(put)  # fmt: skip
    blueprint.operation(
        "DELETE", rule, id=f"delete_{kind.object}_metadata_key", permission=Permission.WRITE, loads=kind,
        returns=MetadataSchema,
    )(delete)  # fmt: skip


@blueprint.operation(
    "GET", "/metadata", id="list_metadata", permission=Permission.READ, returns=EntityMetadataSchema, listing=ENTITIES
)
def list_metadata(call: Call) -> Answer:
    """List entities of every kind by their metadata."""
    actor = call.actor
    return answer_list(call, ENTITIES, entities_seen_by(actor), represent_entity, actor.project_ids)


for _kind in KINDS:
    _register(_kind)
