"""Writes of external ids, for many entities at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select, tuple_

from ..db import Row, Session
from ..entities import Kind
from ..errors import FieldError
from ..inserting import insert_new_rows
from .models import external_ids


def scope_of(kind: Kind, project_id: str) -> str:
    """Where an external id is unique: among the assets of a project, or among all projects."""
    return "" if kind.object == "project" else project_id


def rows_of(kind: Kind, entity: Row, given: Mapping[str, str]) -> list[dict[str, Any]]:
    """The side rows of an entity's external ids."""
    scope = scope_of(kind, entity.get("project_id", ""))
    fixed = {"scope": scope, "object": kind.object, "entity_id": entity["id"]}
    return [{**fixed, "system": system, "external_id": external_id} for system, external_id in given.items()]


def claim_ids(session: Session, rows: Sequence[dict[str, Any]]) -> dict[str, list[FieldError]]:
    """Write these rows; the mistakes of the entities whose ids others hold, by entity id.

    A transaction that is about to claim the same id is waited for. Two statements when somebody holds one.
    """
    if not rows:
        return {}
    key = [column.name for column in external_ids.primary_key.columns]
    new = insert_new_rows(session, external_ids, rows, key)
    refused = [row for row in rows if tuple(row[name] for name in key) not in new]
    if not refused:
        return {}
    holders = _holders(session, [tuple(row[name] for name in key) for row in refused])
    errors: dict[str, list[FieldError]] = {}
    for row in refused:
        # A project's holder is in a project that the caller may not see.
        holder = "another project" if row["scope"] == "" else holders.get(tuple(row[name] for name in key), "another")
        message = f"{row['system']} {row['external_id']!r} belongs to {holder} already."
        errors.setdefault(row["entity_id"], []).append(FieldError(f"/external_ids/{row['system']}", "taken", message))
    return errors


def _holders(session: Session, keys: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    columns = list(external_ids.primary_key.columns)
    found = session.execute(select(external_ids).where(tuple_(*columns).in_(keys))).mappings()
    return {tuple(row[column.name] for column in columns): row["entity_id"] for row in found}


def release_ids(session: Session, entity_ids: Iterable[str], systems: Iterable[str] | None = None) -> None:
    """Forget the ids of these entities, all or those of some systems."""
    chosen = delete(external_ids).where(external_ids.c.entity_id.in_(list(entity_ids)))
    session.execute(chosen if systems is None else chosen.where(external_ids.c.system.in_(list(systems))))
