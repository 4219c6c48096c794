"""Defining the metadata fields of a project."""

from __future__ import annotations

from typing import Any

from domain.access import Permission
from domain.db import Row
from domain.metadata_fields.commands import change_field, create_field, delete_field
from domain.metadata_fields.queries import FIELDS, fields_of, load_field, represent_field
from domain.projects.models import PROJECTS

from ...answers import Answer, created, etag_of, one
from ...blueprint import Blueprint
from ...call import Call
from ...lists import answer_list
from ...preconditions import expected_versions
from .schemas import MetadataFieldChangeSchema, MetadataFieldSchema, NewMetadataFieldSchema

blueprint = Blueprint("metadata fields", __name__, description="What a project's entities hold in their metadata.")
DEFINE = Permission.DEFINE_FIELDS
ALL = "/projects/<id>/metadata-fields"
ONE = f"{ALL}/<field_id>"


def _shown(row: Row) -> Answer:
    return one(represent_field(row), etag=etag_of(row))


@blueprint.operation(
    "GET", ALL, id="list_project_metadata_fields", permission=Permission.READ, loads=PROJECTS,
    returns=MetadataFieldSchema, listing=FIELDS,
)  # fmt: skip
def list_fields(call: Call) -> Answer:
    """List the metadata fields of a project."""
    return answer_list(call, FIELDS, fields_of(call.target["id"]), represent_field)


@blueprint.operation(
    "POST", ALL, id="create_project_metadata_field", permission=DEFINE, loads=PROJECTS,
    returns=MetadataFieldSchema, body=NewMetadataFieldSchema, status=201,
)  # fmt: skip
def post_field(call: Call, body: dict[str, Any]) -> Answer:
    """Define a metadata field. Values that entities hold under its key already must fit."""
    row = create_field(call.session, call.context, call.target, body)
    return created(
        represent_field(row), f"/api/v1/projects/{row['project_id']}/metadata-fields/{row['id']}", etag=etag_of(row)
    )


@blueprint.operation(
    "GET", ONE, id="get_project_metadata_field", permission=Permission.READ, loads=PROJECTS,
    returns=MetadataFieldSchema,
)  # fmt: skip
def get_field(call: Call, field_id: str) -> Answer:
    """Get a metadata field."""
    return _shown(load_field(call.session, call.target["id"], field_id))


@blueprint.operation(
    "PATCH", ONE, id="update_project_metadata_field", permission=DEFINE, loads=PROJECTS,
    returns=MetadataFieldSchema, body=MetadataFieldChangeSchema,
    finds=lambda call, field_id: load_field(call.session, call.target["id"], field_id),
)  # fmt: skip
def patch_field(call: Call, body: dict[str, Any], field_id: str) -> Answer:
    """Change a metadata field, but for its entity, key and type. Values that entities hold must fit."""
    row = load_field(call.session, call.target["id"], field_id)
    return _shown(change_field(call.session, call.context, row, body, expected_versions(call)))


@blueprint.operation(
    "DELETE", ONE, id="delete_project_metadata_field", permission=DEFINE, loads=PROJECTS, returns=MetadataFieldSchema
)
def delete_one(call: Call, field_id: str) -> Answer:
    """Delete a metadata field. Entities keep their values, as JSON without a type."""
    row = load_field(call.session, call.target["id"], field_id)
    delete_field(call.session, call.context, row, expected_versions(call))
    return _shown(row)
