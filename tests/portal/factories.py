"""Rows of the studio, made directly: the pages only read them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from domain.access import SYSTEM
from domain.api_keys.commands import create_key
from domain.api_keys.rules import NewKey
from domain.approvals.models import approvals
from domain.audit.commands import AuditEntry, write_entry
from domain.audit.models import api_audit_log
from domain.db import Session
from domain.entities import Kind
from domain.ids import new_id
from domain.ports import Services
from domain.projects.models import projects
from domain.scenes.models import SCENES
from domain.segments.models import SEGMENTS


def make_project(session: Session, now: datetime, name: str = "Northlight") -> str:
    """A project; its id."""
    project_id = new_id("prj")
    row = {"id": project_id, "name": name, "code": project_id, "created_at": now, "updated_at": now}
    session.execute(insert(projects).values({**row, "metadata": {"fps": 24}, "external_ids": {}}))
    return project_id


def make_asset(session: Session, kind: Kind, project_id: str, now: datetime, **values: Any) -> str:
    """A character, scene or segment; its id."""
    asset_id = new_id(kind.prefix)
    row = {
        "id": asset_id,
        "project_id": project_id,
        "name": "Mira Voss",
        "code": asset_id,
        "created_at": now,
        "updated_at": now,
        "metadata": {"mood": "<dusk>"},
        "external_ids": {},
        **values,
    }
    if kind in (SCENES, SEGMENTS):
        row.setdefault("position", 0)
    session.execute(insert(kind.table).values(row))
    return asset_id


def make_approval(session: Session, noun: str, asset_id: str, project_id: str, now: datetime, note: str = "") -> None:
    """A decision on an asset."""
    row = {
        "id": new_id("apr"),
        "project_id": project_id,
        "asset_object": noun,
        "asset_id": asset_id,
        "decision": "approved",
        "note": note,
        "decided_by": SYSTEM.as_data(),
        "created_at": now,
        "updated_at": now,
    }
    session.execute(insert(approvals).values(row))


def make_key(session: Session, services: Services, name: str = "Render farm", **values: Any) -> tuple[str, str]:
    """An API key; its id and its text."""
    wanted = NewKey(**{"name": name, "role": "creator", "scope": "full", **values})
    return create_key(session, SYSTEM, services.keyring, wanted, services.clock())


def make_call(session: Session, key_id: str, now: datetime, status_code: int = 200) -> None:
    """An audited call of the API."""
    entry = AuditEntry(
        at=now, source="api", key_id=key_id, method="GET", path="/api/v1/projects", status_code=status_code
    )
    write_entry(session, entry)


def changes_of(services: Services, name: str) -> list[Any]:
    """The changes of every action of this name, in order."""
    with services.database.reading() as session:
        chosen = select(api_audit_log).where(api_audit_log.c.action == name).order_by(api_audit_log.c.id)
        return [row["changes"] for row in session.execute(chosen).mappings()]
