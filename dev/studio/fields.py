"""Metadata as rows: the fields a project defines, and every value by type for filters and sorts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from domain.ids import new_id
from domain.metadata.commands import values_of
from domain.metadata.rules import FieldRule, RuleBook
from domain.projects.models import PROJECTS

from .assets import Asset
from .content import Production


def field_rows(production: Production, project: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The fields of a production."""
    for field in production.fields:
        yield {
            "id": new_id("fld"),
            "project_id": project["id"],
            **{name: field[name] for name in ("object", "key", "type", "description")},
            "rules": field.get("rules", {}),
            "created_at": project["created_at"],
            "updated_at": project["created_at"],
        }


def value_rows(production: Production, project: dict[str, Any], assets: list[Asset]) -> Iterator[dict[str, Any]]:
    """The rows by type of all metadata that has a field."""
    entities = [(PROJECTS, project), *((asset.kind, asset.row) for asset in assets)]
    for kind, row in entities:
        rules = {field["key"]: FieldRule(field["key"], field["type"]) for field in production.fields_of(kind.object)}
        yield from values_of(kind, row, RuleBook({project["id"]: rules}))
