"""Reads of approvals."""

from __future__ import annotations

from typing import Any

from sqlalchemy import RowMapping, Select, select

from ..access import Actor
from ..clock import rfc3339
from ..db import Row, Session
from ..list_spec import ListSpec, Reference, Sortable
from .models import DECISIONS, approvals

_SHOWN = (
    "id",
    "object",
    "project_id",
    "asset",
    "decision",
    "note",
    "take_id",
    "decided_by",
    "created_at",
    "updated_at",
    "version",
)
APPROVALS = ListSpec(
    approvals.c.id,
    Sortable.from_columns(
        {name: approvals.c[name] for name in ("id", "decision", "take_id", "created_at")}, decision=DECISIONS
    ),
    "-created_at",
    shown=_SHOWN,
    references={
        "asset": Reference("asset_id", object_column="asset_object"),
        "project": Reference("project_id", "project"),
    },
    searched=(approvals.c.note,),
)


ALL_APPROVALS = select(approvals)


def approvals_seen_by(actor: Actor) -> Select[Any]:
    """The decisions in the actor's projects."""
    if actor.project_ids is None:
        return ALL_APPROVALS
    return ALL_APPROVALS.where(approvals.c.project_id.in_(sorted(actor.project_ids)))


def approvals_of(asset_id: str) -> Select[Any]:
    """The decisions on one asset."""
    return ALL_APPROVALS.where(approvals.c.asset_id == asset_id)


def latest_approvals(session: Session, project_ids: frozenset[str] | None, limit: int) -> list[RowMapping]:
    """The newest decisions in these projects; None for all."""
    statement = select(approvals).order_by(approvals.c.created_at.desc(), approvals.c.id.desc()).limit(limit)
    if project_ids is not None:
        statement = statement.where(approvals.c.project_id.in_(sorted(project_ids)))
    return list(session.execute(statement).mappings())


def represent_approval(row: Row) -> dict[str, Any]:
    """The approval as the API shows it."""
    return {
        "id": row["id"],
        "object": "approval",
        "project_id": row["project_id"],
        "asset": {"object": row["asset_object"], "id": row["asset_id"]},
        "decision": row["decision"],
        "note": row["note"],
        "take_id": row["take_id"],
        "decided_by": row["decided_by"],
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "version": row["version"],
    }
